//! The dependency graph as data, and the checks on it.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata};

/// Our crates with the dependencies that they name, and what lies below each package of the resolved graph.
#[derive(Default)]
pub(crate) struct Graph {
    /// Names of the workspace members.
    members: BTreeSet<String>,
    /// Member -> names in its manifest, of any kind.
    named: BTreeMap<String, BTreeSet<String>>,
    /// Package -> packages that it is built with (normal and build dependencies), by `name version`.
    built_with: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    pub(crate) fn from_metadata(metadata: &Metadata) -> Self {
        let mut graph = Self::default();
        let label = |id| {
            let package = &metadata[id];
            format!("{} {}", package.name, package.version)
        };
        for package in metadata.workspace_packages() {
            graph.members.insert(package.name.to_string());
            let names = package.dependencies.iter().map(|d| d.name.clone()).collect();
            graph.named.insert(package.name.to_string(), names);
        }
        for node in metadata.resolve.iter().flat_map(|r| &r.nodes) {
            let built = node
                .deps
                .iter()
                .filter(|dep| dep.dep_kinds.iter().any(|k| k.kind != DependencyKind::Development))
                .map(|dep| label(&dep.pkg))
                .collect();
            graph.built_with.insert(label(&node.id), built);
        }
        graph
    }

    /// Edges between our crates that no rule allows. A member without a rule may depend on nothing of ours.
    pub(crate) fn disallowed_edges(&self, allowed: &[(&str, &[&str])]) -> Vec<String> {
        let mut found = Vec::new();
        for (member, names) in &self.named {
            let permitted = allowed.iter().find(|(of, _)| of == member).map_or(&[][..], |(_, to)| *to);
            for name in names.iter().filter(|name| self.members.contains(*name)) {
                let nothing_uses_tests = name == "airshed-tests";
                let covered = permitted.contains(&"*") || permitted.contains(&name.as_str());
                if nothing_uses_tests || !covered {
                    found.push(format!("{member} must not depend on {name}"));
                }
            }
        }
        found
    }

    /// Members that contain, at any depth, what the rules forbid them.
    pub(crate) fn forbidden_contents(&self, rules: &[(&str, &[&str])]) -> Vec<String> {
        let mut found = Vec::new();
        for (member, patterns) in rules {
            for (package, path) in self.contents(member) {
                let name = package.split(' ').next().unwrap_or_default();
                if let Some(pattern) = patterns.iter().find(|p| matches(p, name)) {
                    found.push(format!("{member} must not contain {pattern}: {path}"));
                }
            }
        }
        found
    }

    /// Members that name a dependency which only `but` may name.
    pub(crate) fn forbidden_direct(&self, patterns: &[&str], but: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        for (member, names) in self.named.iter().filter(|(member, _)| !but.contains(&member.as_str())) {
            for name in names.iter().filter(|name| patterns.iter().any(|p| matches(p, name))) {
                found.push(format!("{member} must not name {name} in its manifest"));
            }
        }
        found
    }

    /// Packages that stand in the graph in more than one version.
    pub(crate) fn second_versions(&self, names: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        for name in names {
            let prefix = format!("{name} ");
            let versions: Vec<_> =
                self.built_with.keys().filter(|label| label.starts_with(&prefix)).collect();
            if versions.len() > 1 {
                found.push(format!("two versions of one family: {versions:?}"));
            }
        }
        found
    }

    /// Everything below a member, each with one path that leads there.
    fn contents(&self, member: &str) -> BTreeMap<String, String> {
        let prefix = format!("{member} ");
        let mut reached = BTreeMap::new();
        let roots = self.built_with.keys().filter(|label| label.starts_with(&prefix));
        let mut waiting: Vec<(String, String)> =
            roots.map(|label| (label.clone(), member.to_owned())).collect();
        while let Some((label, path)) = waiting.pop() {
            for below in self.built_with.get(&label).into_iter().flatten() {
                if !reached.contains_key(below) {
                    let name = below.split(' ').next().unwrap_or_default();
                    let path = format!("{path} -> {name}");
                    reached.insert(below.clone(), path.clone());
                    waiting.push((below.clone(), path));
                }
            }
        }
        reached
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A graph from lines `a -> b c`, where names that start with `airshed` are ours.
    fn graph(lines: &[&str]) -> Graph {
        let mut graph = Graph::default();
        for line in lines {
            let (from, to) = line.split_once(" -> ").unwrap();
            let to: BTreeSet<String> = to.split(' ').filter(|t| !t.is_empty()).map(str::to_owned).collect();
            if from.starts_with("airshed") {
                graph.members.insert(from.to_owned());
                graph.named.insert(from.to_owned(), to.clone());
            }
            let labels = to.iter().map(|name| format!("{name} 1.0.0")).collect();
            graph.built_with.insert(format!("{from} 1.0.0"), labels);
        }
        graph
    }

    #[test]
    fn an_edge_against_the_design_is_found() {
        let graph = graph(&[
            "airshed-domain -> ",
            "airshed-lake -> airshed-domain",
            "airshed-rollup -> airshed-ingest",
            "airshed-ingest -> ",
        ]);
        assert_eq!(
            graph.disallowed_edges(crate::rules::ALLOWED),
            ["airshed-rollup must not depend on airshed-ingest"]
        );
    }

    #[test]
    fn a_crate_without_a_rule_may_depend_on_nothing_of_ours() {
        let graph = graph(&["airshed-domain -> ", "airshed-advisor -> airshed-domain"]);
        assert_eq!(
            graph.disallowed_edges(crate::rules::ALLOWED),
            ["airshed-advisor must not depend on airshed-domain"]
        );
    }

    #[test]
    fn nothing_depends_on_the_tests() {
        let graph = graph(&["airshed-tests -> ", "airshed -> airshed-tests"]);
        assert_eq!(
            graph.disallowed_edges(crate::rules::ALLOWED),
            ["airshed must not depend on airshed-tests"]
        );
    }

    #[test]
    fn a_forbidden_package_is_found_at_any_depth_with_its_path() {
        let graph =
            graph(&["airshed-kernels -> innocent", "innocent -> datafusion-common", "datafusion-common -> "]);
        assert_eq!(
            graph.forbidden_contents(crate::rules::MUST_NOT_CONTAIN),
            [
                "airshed-kernels must not contain datafusion*: airshed-kernels -> innocent -> datafusion-common"
            ]
        );
    }

    #[test]
    fn a_library_that_names_anyhow_is_found_and_the_binary_is_not() {
        let graph = graph(&["airshed-lake -> anyhow", "airshed -> anyhow"]);
        assert_eq!(
            graph.forbidden_direct(crate::rules::LIBRARIES_MUST_NOT_NAME, crate::rules::BINARY),
            ["airshed-lake must not name anyhow in its manifest"]
        );
    }

    #[test]
    fn a_second_version_is_found() {
        let mut graph = graph(&["arrow-array -> "]);
        assert_eq!(graph.second_versions(&["arrow-array"]).len(), 0);
        graph.built_with.insert("arrow-array 2.0.0".to_owned(), BTreeSet::new());
        assert_eq!(graph.second_versions(&["arrow-array"]).len(), 1);
    }
}
