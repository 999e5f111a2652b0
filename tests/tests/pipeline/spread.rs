//! A run whose files other processes estimate is the run of one process, byte for byte, whatever befalls them.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
};

use airshed_domain::schema;
use airshed_emission_factors::{FactorSet, provenance::Sources};
use airshed_estimate::{
    Elsewhere, EstimateOptions, NoProgress, PeriodOutcome, estimate, estimate_with, replay,
};
use airshed_lake::{DataFile, Lake, control};
use tempfile::TempDir;

use crate::{
    company,
    stages::{self, Machine, calculation, chain, local_lake},
    utilization,
    workers::{How, SECRET, Watched, Worker},
};

/// Billing files of the period.
const FILES: usize = 9;

/// Two copies of a lake with measurements and several billing files: one for a process alone, one for several.
struct Scene {
    alone: Lake,
    shared: Lake,
    _folder: TempDir,
}

impl Scene {
    async fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in");
        for export in 0..FILES {
            let lines = company::lines(2 + export);
            // Each is of another payer: else they would be of the same bill.
            let of_payer = |line: &String| line.replacen("111122223333", &format!("11112222333{export}"), 1);
            let lines: Vec<_> = lines.iter().map(of_payer).collect();
            company::write(&input.join(format!("export{export}")), "cur.csv", &lines);
        }
        let measured = folder.path().join("cpu.csv");
        std::fs::write(&measured, utilization::MEASURED).unwrap();
        let alone = local_lake(&folder.path().join("alone"));
        stages::import(&input, &alone, &Machine::default()).await.unwrap();
        utilization::import(&measured, &alone).await;
        copy(&folder.path().join("alone"), &folder.path().join("shared"));
        let shared = local_lake(&folder.path().join("shared"));
        Self { alone, shared, _folder: folder }
    }

    fn workers(&self) -> Vec<Arc<Worker>> {
        (0..3).map(|_| Arc::new(Worker::start(&self.shared, How::default()))).collect()
    }

    /// Estimates the shared lake with a crew, the other one without, and compares everything.
    async fn compare(&self, crew: &dyn Elsewhere) {
        let of_one = estimate(&self.alone, &calculation(), &|_| true, &options(), &NoProgress).await.unwrap();
        let of_many = spread(&self.shared, crew).await.unwrap();
        assert_eq!(of_one.len(), 1);
        assert_eq!(of_many[0].run, of_one[0].run);
        assert!(!of_many[0].unchanged);
        let (one, many) = (emissions(&self.alone).await, emissions(&self.shared).await);
        assert_eq!(one.len(), FILES);
        assert_eq!(one, many, "path, size, rows and bytes");
        let stored = control::find_run(&self.shared, &of_one[0].run.run_id).await.unwrap();
        assert_eq!(stored.as_ref(), Some(&of_one[0].run));
        let pairs =
            replay(&self.shared, &calculation(), &of_one[0].run, 2, &NoProgress).await.unwrap().unwrap();
        assert!(pairs.len() == FILES && pairs.iter().all(|(stored, again)| stored == again));
    }

    /// Estimates the shared lake with a crew that refuses; returns why. Nothing is published.
    async fn refused(&self, crew: &dyn Elsewhere) -> String {
        let refused = chain(&spread(&self.shared, crew).await.unwrap_err());
        assert!(control::runs(&self.shared).await.unwrap().is_empty());
        assert!(emissions(&self.shared).await.is_empty());
        refused
    }
}

fn options() -> EstimateOptions {
    EstimateOptions { threads: 2, now_us: stages::now().as_microsecond() }
}

async fn spread(lake: &Lake, crew: &dyn Elsewhere) -> airshed_estimate::Result<Vec<PeriodOutcome>> {
    estimate_with(lake, &calculation(), &|_| true, &options(), &NoProgress, Some(crew)).await
}

/// The files of `emissions` with their bytes.
async fn emissions(lake: &Lake) -> Vec<(DataFile, Vec<u8>)> {
    let table = lake.table(&schema::emissions()).await.unwrap();
    let mut files = Vec::new();
    for file in table.files().unwrap() {
        let bytes = table.fetch(&file).await.unwrap().to_vec();
        files.push((file, bytes));
    }
    files
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_workers_make_the_run_of_one_process() {
    let scene = Scene::set().await;
    let workers = scene.workers();
    let crew = Watched::new(&workers, Some(SECRET), Box::new(|_, _| {}));
    scene.compare(&crew).await;
    let answers = crew.answers();
    assert_eq!(answers.values().sum::<usize>(), FILES);
    assert_eq!(answers.len(), workers.len(), "each has a part: {answers:?}");
    for worker in &workers {
        assert_eq!(worker.plans.load(Ordering::Relaxed), 1, "a run is planned once, not for each file");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_workers_cost_nothing_but_time() {
    for victims in [1, 2, 3] {
        let scene = Scene::set().await;
        let workers = scene.workers();
        let doomed = workers.clone();
        let crew = Watched::new(
            &workers,
            Some(SECRET),
            Box::new(move |before, _| {
                if before == 0 {
                    doomed.iter().take(victims).for_each(|worker| worker.kill());
                }
            }),
        );
        scene.compare(&crew).await;
        let answered = crew.answers().values().sum::<usize>();
        // What the last one lost, the caller does.
        assert!(if victims == 3 { answered < FILES } else { answered == FILES }, "{victims}: {answered}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_cannot_are_left_alone() {
    for how in [
        How { version: "1.2.4", ..How::default() },
        How { factors: Err("the disk is gone"), ..How::default() },
    ] {
        let scene = Scene::set().await;
        let workers = [Arc::new(Worker::start(&scene.shared, how))];
        let crew = Watched::new(&workers, Some(SECRET), Box::new(|_, _| {}));
        scene.compare(&crew).await;
        assert!(crew.answers().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_comes_to_another_run_is_told() {
    let scene = Scene::set().await;
    let source = "id,publisher,title,url,licence,version,retrieved,note\n\
                  ours,Us,Ours,,CC0-1.0,1,2026-10-01,\n";
    let sources = Sources::from_csv("ours.csv", source).unwrap();
    let ours = sources.get("ours").unwrap().clone();
    let other = Arc::new(FactorSet::builder().with_source(ours).build().unwrap());
    assert_ne!(other.id(), calculation().factors.id());
    let worker =
        Arc::new(Worker::start(&scene.shared, How { factors: Ok(Arc::clone(&other)), ..How::default() }));
    let crew = Watched::new(&[Arc::clone(&worker)], Some(SECRET), Box::new(|_, _| {}));
    let refused = scene.refused(&crew).await;
    for part in [worker.url.as_str(), "factor set", other.id().as_str()] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_on_another_lake_is_told() {
    let scene = Scene::set().await;
    // Of the same content: it comes to the same run, and its files are elsewhere.
    let twin = [Arc::new(Worker::start(&scene.alone, How::default()))];
    let crew = Watched::new(&twin, Some(SECRET), Box::new(|_, _| {}));
    let refused = scene.refused(&crew).await;
    assert!(refused.contains("not in this lake"), "{refused}");

    let folder = tempfile::tempdir().unwrap();
    let empty = local_lake(&folder.path().join("lake"));
    let stranger = [Arc::new(Worker::start(&empty, How::default()))];
    let crew = Watched::new(&stranger, Some(SECRET), Box::new(|_, _| {}));
    let refused = scene.refused(&crew).await;
    assert!(refused.contains("billing lines"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_cannot_show_the_secret_is_not_let_in() {
    let scene = Scene::set().await;
    let workers = scene.workers();
    for secret in [None, Some("a secret of worker")] {
        let crew = Watched::new(&workers, secret, Box::new(|_, _| {}));
        let refused = scene.refused(&crew).await;
        assert!(refused.contains("secret") && refused.contains("http://127.0.0.1"), "{refused}");
    }
    assert!(workers.iter().all(|worker| worker.plans.load(Ordering::Relaxed) == 0));
}
