//! An explanation drawn as a tree.

use airshed_kernels::{
    class::{Input, Step},
    explain::{Citation, Figure},
};

use super::found::Found;

/// A text with what hangs under it.
#[derive(Debug, Default)]
pub(super) struct Node {
    text: String,
    children: Vec<Node>,
}

impl Node {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), children: Vec::new() }
    }

    fn with(mut self, children: impl IntoIterator<Item = Node>) -> Self {
        self.children.extend(children);
        self
    }

    /// The tree in box-drawing characters, a line end after each node.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n", self.text);
        self.draw_children(&mut text, "");
        text
    }

    fn draw_children(&self, text: &mut String, indent: &str) {
        for (index, child) in self.children.iter().enumerate() {
            let last = index + 1 == self.children.len();
            let (branch, below) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            text.push_str(indent);
            text.push_str(branch);
            text.push_str(&child.text);
            text.push('\n');
            child.draw_children(text, &format!("{indent}{below}"));
        }
    }
}

pub(super) fn of(line: &Found) -> Node {
    let explanation = &line.explanation;
    let reason = explanation.reason.map_or_else(String::new, |reason| format!(": {reason}"));
    let root = Node::new(format!("line {} is {}{reason}", explanation.line_id, explanation.status));
    let source = Node::new("source").with(line.sources.iter().map(|source| {
        Node::new(format!("{}, row group {}, row {}", source.object_uri, source.row_group, source.row_number))
    }));
    let key = Node::new("billed")
        .with(explanation.key.iter().map(|(name, value)| Node::new(format!("{name} = {value}"))));
    let run = Node::new("run").with(
        [
            ("run_id", &line.run_id),
            ("period", &line.period),
            ("method", &line.method),
            ("factor_set", &line.factor_set),
            ("code_version", &line.code_version),
        ]
        .map(|(name, value)| Node::new(format!("{name} = {value}"))),
    );
    let steps = Node::new("steps").with(explanation.steps.iter().map(step));
    let mut parts = vec![source, key, run, steps];
    if !explanation.figures.is_empty() {
        parts.push(Node::new("figures").with(explanation.figures.iter().map(figure)));
    }
    if !explanation.citations.is_empty() {
        parts.push(Node::new("factors").with(explanation.citations.iter().map(citation)));
    }
    let differences = line.differences();
    parts.push(if differences.is_empty() {
        Node::new("the ledger holds the same figures")
    } else {
        Node::new("THE LEDGER DIFFERS").with(differences.into_iter().map(Node::new))
    });
    root.with(parts)
}

fn step(step: &Step) -> Node {
    let formula = if step.formula.is_empty() { String::new() } else { format!(": {}", step.formula) };
    let node = Node::new(format!("{}{formula}", step.title));
    let mut below: Vec<Node> = step.inputs.iter().map(|input| Node::new(number(input))).collect();
    below.extend(step.result.as_ref().map(|result| Node::new(format!("= {}", number(result)))));
    below.extend(step.factor_ids.iter().map(|id| Node::new(format!("factor {id}"))));
    below.extend(step.note.as_ref().map(|note| Node::new(format!("note: {note}"))));
    node.with(below)
}

fn number(input: &Input) -> String {
    let unit = if input.unit == "1" { String::new() } else { format!(" {}", input.unit) };
    format!("{} = {}{unit}", input.name, input.value)
}

fn figure(figure: &Figure) -> Node {
    Node::new(format!("{} = {} {}", figure.column, figure.text, figure.unit))
        .with((!figure.formula.is_empty()).then(|| Node::new(figure.formula)))
}

fn citation(citation: &Citation) -> Node {
    let node = Node::new(format!("{} = {}", citation.factor_id, citation.value));
    let lines = [
        ("", &citation.source),
        ("version ", &citation.version),
        ("licence ", &citation.licence),
        ("page ", &citation.page),
        ("", &citation.url),
        ("note: ", &citation.note),
    ];
    node.with(
        lines
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(label, text)| Node::new(format!("{label}{text}"))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_are_drawn() {
        let tree = Node::new("root")
            .with([Node::new("a").with([Node::new("a1")]), Node::new("b").with([Node::new("b1")])]);
        assert_eq!(tree.text(), "root\n├─ a\n│  └─ a1\n└─ b\n   └─ b1\n");
    }
}
