//! The command line: arguments to library calls.

use std::io::{Write, stdin, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Parser, Subcommand};

use crate::config::{Config, Overrides};
use crate::set::Log;
use crate::stopping::stop_requested;
use crate::{
    canary, dead_letters, demo, device, doctor, gateway, generate, indices, process, receipt,
    replay, serve, status, tokens, topics, verify, views,
};

/// Campaign events in, trusted views out.
#[derive(Debug, Parser)]
#[command(name = "footfall", version, about, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    overrides: Overrides,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run all of it in one process on sample traffic, with nothing to install.
    Demo(demo::Args),
    /// Process events from Kafka into Redis and OpenSearch, as a member of the group.
    Process(process::Args),
    /// Serve the API and the page from Redis and OpenSearch.
    Api,
    /// Take events over HTTP: what it answers as accepted is in the log.
    Entry,
    /// Create and check the topics.
    #[command(subcommand)]
    Topics(topics::Command),
    /// Make traffic that looks like people, to the log or to a file.
    Generate(generate::Args),
    /// Import access logs and JSON-lines events.
    Replay(replay::Args),
    /// Fold the log again, independently, and compare every cell with each store.
    Verify(verify::Args),
    /// List, show and replay what was set aside.
    #[command(subcommand)]
    DeadLetters(dead_letters::Command),
    /// Say whether the receipt of a seat is true.
    #[command(subcommand)]
    Receipt(receipt::Command),
    /// Print a store's cells, or the digest by which stores are compared.
    #[command(subcommand)]
    Views(views::Command),
    /// List the indices in OpenSearch, and drop those of past definitions.
    #[command(subcommand)]
    Indices(indices::Command),
    /// Classify User-Agents from standard input: class, os, browser, brand, User-Agent, with tabs.
    Device,
    /// Say what keeps a process from starting, and what a person should know, without starting anything.
    Doctor(doctor::Args),
    /// Say what the deployment is doing: who has which partition, how far behind log each view is, what was set aside.
    Status(status::Args),
    /// Send an event a second and look for it in the API: how fresh the views are for who asks.
    Canary(canary::Args),
    /// Make, list and revoke the tokens that the HTTP API asks for.
    #[command(subcommand)]
    Tokens(tokens::Command),
    /// Check or print the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Clone, Subcommand)]
enum ConfigCommand {
    /// Say what keeps the configuration from working.
    Check,
    /// Print it as TOML, without secrets.
    Print,
}

impl Command {
    /// Whether it folds or reads views: who only appends or lists records needs no hash key.
    fn needs_definition(&self) -> bool {
        matches!(
            self,
            Self::Demo(_)
                | Self::Process(_)
                | Self::Api
                | Self::Verify(_)
                | Self::Views(_)
                | Self::Status(_)
                | Self::Indices(_)
        )
    }

    /// Whether it appends to a log that may not be there yet. No other makes a hash key.
    fn begins_a_log(&self) -> bool {
        match self {
            Self::Demo(_) => true,
            Self::Generate(args) => args.output.is_none(),
            Self::Replay(args) => !args.dry_run,
            _ => false,
        }
    }

    /// Fails where it works on the other log only, or on a store that is not named: before anything else is asked for.
    fn check_named(&self, config: &Config) -> anyhow::Result<()> {
        match self {
            Self::Demo(_) => config.need_embedded("demo"),
            Self::Process(_) => config.need_kafka("process"),
            Self::Api => config.need_kafka("api"),
            Self::Entry => config.need_kafka("entry"),
            Self::Topics(_) => config.need_kafka("topics"),
            Self::Indices(_) => views::need_store(views::Store::Opensearch, config),
            Self::Views(command) => views::need_store(command.store(), config),
            Self::Verify(args) => args
                .store
                .iter()
                .try_for_each(|store| views::need_store(*store, config)),
            _ => Ok(()),
        }
    }
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// With a sentence that names the flag, file or server, and what to do.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let mut config = Config::load(&self.overrides)?;
        if let Command::Device = self.command {
            device::run(stdin().lock(), stdout().lock())?;
            return Ok(ExitCode::SUCCESS);
        }
        if let Command::Config(command) = &self.command {
            return run_config(command, &config).map(|()| ExitCode::SUCCESS);
        }
        if let Command::Doctor(args) = &self.command {
            start_logs(&config)?;
            return runtime()?.block_on(doctor::run(args, config));
        }
        if let Command::Tokens(command) = &self.command {
            return tokens::run(command, &config).map(|()| ExitCode::SUCCESS);
        }
        self.command.check_named(&config)?;
        config.check(self.command.needs_definition())?;
        start_logs(&config)?;
        for open in config.open_wires() {
            tracing::warn!("{open}");
        }
        telemetry::metrics::install()?;
        processor::metrics::describe();
        ::views::metrics::describe();
        web::metrics::describe();
        ::entry::metrics::describe();
        if let Command::Receipt(command) = &self.command {
            return receipt::run(command, &config);
        }
        if self.command.begins_a_log() {
            config.make_key()?;
        }
        if self.command.needs_definition() {
            config.complete()?;
        }
        match self.command {
            Command::Demo(args) => block_on(demo::run(&args, config)),
            Command::Process(args) => block_on(process::run(&args, config)),
            Command::Api => block_on(serve::run(config)),
            Command::Entry => block_on(gateway::run(config)),
            Command::Topics(command) => topics::run(&command, &config),
            Command::Generate(args) => block_on(run_generate(args, config)),
            Command::Replay(args) => run_replay(&args, &config),
            Command::Canary(args) => block_on(canary::run(&args, config)),
            Command::Status(args) => block_on(status::run(&args, &config)),
            Command::Verify(args) => block_on(verify::run(&args, &config)),
            Command::DeadLetters(command) => dead_letters::run(&command, &config),
            Command::Views(command) => block_on(views::run(&command, &config)),
            Command::Indices(command) => block_on(indices::run(&command, &config)),
            Command::Device
            | Command::Config(_)
            | Command::Doctor(_)
            | Command::Receipt(_)
            | Command::Tokens(_) => Ok(()),
        }?;
        Ok(ExitCode::SUCCESS)
    }
}

fn start_logs(config: &Config) -> anyhow::Result<()> {
    let format = if config.logging.json {
        telemetry::logs::Format::Json
    } else {
        telemetry::logs::Format::Text
    };
    telemetry::logs::start(&config.logging.filter, format).map_err(anyhow::Error::msg)
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}

fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let ended = runtime.block_on(work);
    // What a thread still waits for, mostly Kafka's client, keeps no process from ending.
    runtime.shutdown_background();
    ended
}

fn run_config(command: &ConfigCommand, config: &Config) -> anyhow::Result<()> {
    match command {
        ConfigCommand::Print => {
            write!(stdout(), "{}", toml::to_string(&config.without_secrets())?)?;
        }
        ConfigCommand::Check => {
            config.check(true)?;
            writeln!(stdout(), "good")?;
        }
    }
    Ok(())
}

fn run_replay(args: &replay::Args, config: &Config) -> anyhow::Result<()> {
    let summary = if args.dry_run {
        replay::run(args, None)?
    } else {
        let producer = Log::open(config)?.producer(&config.topics().events)?;
        replay::run(args, Some(producer.as_ref()))?
    };
    writeln!(stdout(), "{}", serde_json::to_string_pretty(&summary)?)?;
    Ok(())
}

/// Asked to stop it ends early, and reports what it sent.
async fn run_generate(args: generate::Args, config: Config) -> anyhow::Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    let (stopping, stopped) = (stop_requested(), stop.clone());
    tokio::spawn(async move {
        stopping.await;
        stopped.store(true, Ordering::Relaxed);
    });
    let sent = tokio::task::spawn_blocking(move || match &args.output {
        Some(path) => generate::to_file(&args.traffic, path, args.format, &stop),
        None => {
            let producer = Log::open(&config)?.producer(&config.topics().events)?;
            let partitions = config.definition.partitions;
            generate::to_log(&args.traffic, producer.as_ref(), partitions, &stop)
        }
    });
    let report = sent.await??;
    writeln!(stdout(), "{}", serde_json::to_string_pretty(&report)?)?;
    Ok(())
}
