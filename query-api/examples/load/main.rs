//! The requests of the dashboard, from many clients at once, and how long their answers take.
//!
//! `cargo run --release -p airshed-query-api --example load -- --url 127.0.0.1:8080 --token TOKEN [--token TOKEN ...]
//! [--clients 1,8,32] [--seconds 30] [--warm 5] [--seed 1] [--mix pages,drill] [--coding identity] [--output json]`.
//!
//! Each client signs in, draws a page with its days and filters, sends its requests one after another and at once begins the
//! next page; nobody pauses. What is drawn depends on the seed, the mix, the number of clients and the client. Tokens are
//! dealt out in turn: give those of several users where one user may not ask so often. They must be of analysts, as what can
//! be asked about is read by SQL. The first seconds are not counted.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that measures and prints")]

mod asks;
mod client;
mod dates;
#[path = "../estate/random.rs"]
mod random;
mod report;
mod world;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use self::{asks::Mix, client::Client, random::Random, report::Round, world::World};

type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// What is measured.
struct Arguments {
    host: String,
    tokens: Vec<String>,
    clients: Vec<usize>,
    seconds: u64,
    warm: u64,
    seed: u64,
    mixes: Vec<Mix>,
    /// What clients accept as encoding; as browsers do, unless it is said.
    coding: String,
    is_json: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::read(std::env::args().skip(1))?;
    let first = arguments.tokens.first().ok_or("--token is missing")?;
    let world =
        Arc::new(World::look(&mut Client::sign_in(&arguments.host, first, &arguments.coding).await?).await?);
    let mut rounds = Vec::new();
    for mix in &arguments.mixes {
        for clients in &arguments.clients {
            let round = measure(&arguments, &world, *mix, *clients).await?;
            let round = round.json(*mix, *clients, arguments.seconds as f64);
            if !arguments.is_json {
                println!("\n{}", report::table(&round));
            }
            eprintln!("{}, {clients} clients: done", mix.name());
            rounds.push(round);
        }
    }
    if arguments.is_json {
        println!("{}", serde_json::to_string_pretty(&rounds)?);
    }
    Ok(())
}

async fn measure(arguments: &Arguments, world: &Arc<World>, mix: Mix, clients: usize) -> Result<Round> {
    let mut at_work = JoinSet::new();
    let warm = Instant::now() + Duration::from_secs(arguments.warm);
    let end = warm + Duration::from_secs(arguments.seconds);
    for number in 0..clients {
        let token = &arguments.tokens[number % arguments.tokens.len()];
        let client = Client::sign_in(&arguments.host, token, &arguments.coding).await?;
        let stream = (mix as u64) << 32 | (clients as u64) << 16 | number as u64;
        let random = Random::new(arguments.seed, stream);
        at_work.spawn(work(client, Arc::clone(world), mix, random, warm, end));
    }
    let mut round = Round::default();
    while let Some(done) = at_work.join_next().await {
        round.merge(done?);
    }
    Ok(round)
}

/// One client until the end. A request counts when it was sent after the warming up and answered before the end, or was
/// under way at the end.
async fn work(
    mut client: Client,
    world: Arc<World>,
    mix: Mix,
    mut random: Random,
    warm: Instant,
    end: Instant,
) -> Round {
    let mut round = Round::default();
    loop {
        for ask in mix.next(&world, &mut random) {
            let sent = Instant::now();
            if sent >= end {
                return round;
            }
            let answer = match client.get(&ask.path).await {
                Ok(answer) if answer.status == 200 => Ok(answer.body.len()),
                Ok(answer) => Err(format!("status {}", answer.status)),
                Err(error) => Err(error.to_string()),
            };
            if sent >= warm {
                round.note(ask, sent.elapsed(), answer);
            }
        }
    }
}

impl Arguments {
    /// `--name value`, any number of times.
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut this = Self {
            host: "127.0.0.1:8080".to_owned(),
            tokens: Vec::new(),
            clients: vec![1, 8, 32],
            seconds: 30,
            warm: 5,
            seed: 1,
            mixes: vec![Mix::Pages, Mix::Drill],
            coding: "gzip".to_owned(),
            is_json: false,
        };
        while let Some(word) = words.next() {
            let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
            match word.as_str() {
                "--url" => {
                    value.trim_start_matches("http://").trim_end_matches('/').clone_into(&mut this.host);
                }
                "--token" => this.tokens.push(value),
                "--clients" => this.clients = value.split(',').map(str::parse).collect::<Result<_, _>>()?,
                "--seconds" => this.seconds = value.parse()?,
                "--warm" => this.warm = value.parse()?,
                "--seed" => this.seed = value.parse()?,
                "--mix" => {
                    let named = [Mix::Pages, Mix::Drill].into_iter().filter(|mix| value.contains(mix.name()));
                    this.mixes = named.collect();
                }
                "--coding" => this.coding = value,
                "--output" => this.is_json = value == "json",
                _ => return Err(format!("`{word}` is no option").into()),
            }
        }
        Ok(this)
    }
}
