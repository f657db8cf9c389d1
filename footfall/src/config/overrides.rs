//! Flags and environment variables that every command takes.

use std::path::PathBuf;

use super::Listen;

/// Flags and environment variables that every command takes.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Configuration (flag, else environment, else file, else default)")]
pub struct Overrides {
    /// The configuration file.
    #[arg(long, global = true, env = "FOOTFALL_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of the embedded log and of checkpoints [default: .footfall/data].
    #[arg(long, global = true, env = "FOOTFALL_DATA", value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Where HTTP is served [default: 127.0.0.1:8080].
    #[arg(long, global = true, env = "FOOTFALL_LISTEN", value_name = "HOST:PORT")]
    pub listen: Option<Listen>,
    /// Kafka's brokers; without them the log is a file in the data folder.
    #[arg(
        long,
        global = true,
        env = "FOOTFALL_KAFKA",
        value_name = "HOST:PORT,…"
    )]
    pub kafka: Option<String>,
    /// Stands before every topic's name.
    #[arg(
        long,
        global = true,
        env = "FOOTFALL_TOPIC_PREFIX",
        value_name = "TEXT"
    )]
    pub topic_prefix: Option<String>,
    /// Redis, for the hot views. A URL with a password belongs in the variable or the file: what a command line holds is
    /// seen by everyone on the machine. So it is with `--opensearch`, `--opensearch-password` and `--hash-key`.
    #[arg(
        long,
        global = true,
        env = "FOOTFALL_REDIS",
        value_name = "URL",
        hide_env_values = true
    )]
    pub redis: Option<String>,
    /// OpenSearch, for the history; several addresses with commas. See `--redis` where they hold a password.
    #[arg(
        long,
        global = true,
        env = "FOOTFALL_OPENSEARCH",
        value_name = "URL,…",
        hide_env_values = true
    )]
    pub opensearch: Option<String>,
    /// Who Footfall is to OpenSearch.
    #[arg(
        long,
        global = true,
        env = "FOOTFALL_OPENSEARCH_USER",
        value_name = "NAME"
    )]
    pub opensearch_user: Option<String>,
    /// Its password; see `--redis`: the variable keeps it out of lists of processes.
    #[arg(
        long,
        global = true,
        env = "FOOTFALL_OPENSEARCH_PASSWORD",
        value_name = "TEXT",
        hide_env_values = true
    )]
    pub opensearch_password: Option<String>,
    /// The deployment's hash key, 32 hexadecimal digits; see `--redis`: the variable keeps it out of lists of processes.
    #[arg(
        long,
        global = true,
        env = "FOOTFALL_HASH_KEY",
        value_name = "HEX",
        hide_env_values = true
    )]
    pub hash_key: Option<String>,
    /// Log lines to show, in the form of RUST_LOG [default: info].
    #[arg(long, global = true, env = "FOOTFALL_LOG", value_name = "FILTER")]
    pub log: Option<String>,
}
