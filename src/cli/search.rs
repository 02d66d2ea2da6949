//! `cipherlens search`: photos that look alike, best first.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Exit;
use super::export::{self, Named};
use super::failure::Failure;
use super::output;
use super::pictures;
use super::session::{Session, WeightsFile};
use crate::error::Error;
use crate::features::Workload;
use crate::preview::Choice;
use crate::services::decoys;
use crate::services::export::{IfExists, Target};
use crate::services::name::inert;
use crate::services::original;
use crate::services::search::{self, Found, Match, Query, Timing, Wanted};
use crate::services::session::read_newest;
use crate::vault::{Id, Traffic, Vault};

/// Arguments of `search`.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cipherlens search beach.jpg\n  cipherlens search --id 3f2a --threshold 0.6 --top 20 --export found\n\nScores are cosine similarities: 1 is the same photo, 0.8 a similar one. The query is encrypted before it is compared, and only scores are decrypted. The JSON object has the keys query, threshold, compared, timing_ms {features, encrypt, scan, decrypt}, matches and, when there are none, nearest [id, name, score, width, height, bytes, modified, captured]; for a vault on another machine also bytes {sent, received}; with --export also export {exported, already_there, failed, left, error}, as `export` prints it."
)]
pub(super) struct Arguments {
    /// The photo to search with
    #[arg(required_unless_present = "id", conflicts_with = "id")]
    photo: Option<PathBuf>,
    /// Search with a photo of the vault: the first digits of its id
    #[arg(long)]
    id: Option<String>,
    /// Matches score at least this, from -1 to 1 [default: 0.80, or the settings']
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true)]
    threshold: Option<f32>,
    /// At most this many matches
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Decrypt the matches into FOLDER, which must be outside of every vault
    #[arg(long, value_name = "FOLDER")]
    export: Option<PathBuf>,
    /// Fetch N other photos with each match that is shown or exported, so that whoever holds the vault cannot tell them apart
    #[arg(long, value_name = "N", default_value_t = 0)]
    decoys: usize,
    /// How to show the best matches: auto, kitty, sixel, iterm2, halfblocks, off
    #[arg(long, value_name = "HOW", hide_possible_values = true)]
    preview: Option<Choice>,
    /// Say how many bytes went to the machine that has the vault, and came from it
    #[arg(long, short)]
    verbose: bool,
    /// Print one JSON object and nothing else
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    weights: WeightsFile,
}

/// Searches, prints, and exports if told.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let threshold = session.threshold(arguments.threshold)?;
    let wanted = Wanted { threshold, top: arguments.top };
    let target = arguments.export.as_deref().map(Target::at).transpose()?;
    let vault = session.open_vault()?;
    let (snapshot, found) = match (&arguments.photo, &arguments.id) {
        (Some(path), _) => {
            let bytes = original::read(path).map_err(|source| Error::Read { path: path.clone(), source })?;
            let extractor = session.extractor_of(&vault, &arguments.weights, Workload::One)?;
            let query = Query::Photo { bytes: &bytes, extension: path.extension(), extractor: &extractor };
            read_newest(&vault, |snapshot| search::search(&vault, snapshot, &query, wanted))?
        }
        (None, id) => read_newest(&vault, |snapshot| {
            let image = snapshot.find(id.as_deref().unwrap_or_default())?;
            search::search(&vault, snapshot, &Query::Image(image.id()), wanted)
        })?,
    };
    let query = match (&arguments.photo, &arguments.id) {
        (Some(path), _) => path.to_string_lossy().into_owned(),
        (None, id) => id.clone().unwrap_or_default(),
    };
    if !arguments.json {
        print(&found, threshold);
        if arguments.verbose {
            print_traffic(&found, &vault);
        }
        let shown: Vec<_> = found.matches.iter().map(|hit| (hit.id, format!("{:.4}", hit.score))).collect();
        pictures::show(session, arguments.preview, &snapshot, &shown, arguments.decoys)?;
    }
    let exported = match &target {
        Some(target) => {
            let matches: Vec<Id> = found.matches.iter().map(|hit| hit.id).collect();
            let photos = decoys::mixed(&snapshot, &matches, arguments.decoys)?;
            Some((export::run_with_meter(&vault, &photos, target, IfExists::Rename), target))
        }
        None => None,
    };
    let written = match &exported {
        _ if arguments.json => {
            let mut object = as_json(&query, threshold, &found);
            if let Some((report, _)) = &exported {
                object["export"] = export::as_json(report);
            }
            output::json(&object)
        }
        Some((report, target)) => export::print(report, target, Named::Yes),
        None => Ok(()),
    };
    match exported {
        Some((report, _)) => export::finish(report, written),
        None => Ok(written.map(|()| Exit::Success)?),
    }
}

/// Prints the matches as a table and how long each step took.
pub(super) fn print(found: &Found, threshold: f32) {
    if found.compared == 0 {
        println!("The vault is empty. Add photos with: cipherlens add FOLDER");
        return;
    }
    if found.matches.is_empty() {
        let nearest = found.nearest.first().map_or(0.0, |hit| hit.score);
        println!(
            "No photo reaches {threshold:.2}. The nearest, for --threshold {:.2}:",
            (nearest * 100.0).floor() / 100.0
        );
        table(&found.nearest);
    } else {
        table(&found.matches);
    }
    let Timing { features, encrypt, scan, decrypt } = found.timing;
    let ms = |duration: std::time::Duration| duration.as_secs_f64() * 1e3;
    println!(
        "{} of {} compared on ciphertexts: features {:.0} ms, encrypt {:.1} ms, scan {:.1} ms, decrypt {:.1} ms",
        if found.matches.len() == 1 { "1 match".to_owned() } else { format!("{} matches", found.matches.len()) },
        found.compared,
        ms(features),
        ms(encrypt),
        ms(scan),
        ms(decrypt),
    );
}

/// Says what travelled: for the search, and since the vault was opened.
fn print_traffic(found: &Found, vault: &Vault) {
    let (Some(search), Some(all)) = (found.traffic, vault.store().traffic()) else {
        println!("The vault is on this machine: nothing travelled.");
        return;
    };
    println!(
        "Search: {} bytes sent, {} received. With opening the vault: {} sent, {} received.",
        search.sent, search.received, all.sent, all.received
    );
}

fn table(hits: &[Match]) {
    let longest = |cell: &dyn Fn(&Match) -> String| hits.iter().map(|hit| cell(hit).chars().count()).max().unwrap_or(0);
    let name_width = longest(&|hit| inert(&hit.details.name).into_owned()).clamp(4, 50);
    // Photos without a date have no column of dates.
    let date_width = longest(&|hit| output::date(&hit.details));
    let date_title = if date_width == 0 { "" } else { "date" };
    println!("{:>6}  {:<8}  {:<name_width$}  {date_title:<date_width$}  {:>8}", "score", "id", "name", "size");
    for hit in hits {
        let date = output::date(&hit.details);
        let id = hit.id.to_string();
        let (name, size) = (inert(&hit.details.name), output::size(hit.details.bytes));
        println!("{:>6.4}  {}  {name:<name_width$}  {date:<date_width$}  {size:>8}", hit.score, &id[..8]);
    }
}

fn as_json(query: &str, threshold: f32, found: &Found) -> serde_json::Value {
    let ms = |duration: std::time::Duration| (duration.as_secs_f64() * 1e6).round() / 1e3;
    let hits = |hits: &[Match]| -> Vec<_> {
        hits.iter()
            .map(|hit| {
                let mut row = output::details(hit.id, &hit.details);
                row["score"] = json!(output::decimals(hit.score));
                row
            })
            .collect()
    };
    let Timing { features, encrypt, scan, decrypt } = found.timing;
    let mut object = json!({
        "query": query,
        "threshold": output::decimals(threshold),
        "compared": found.compared,
        "matches": hits(&found.matches),
        "nearest": hits(&found.nearest),
        "timing_ms": {
            "features": ms(features), "encrypt": ms(encrypt), "scan": ms(scan), "decrypt": ms(decrypt),
        },
    });
    if let Some(Traffic { sent, received }) = found.traffic {
        object["bytes"] = json!({ "sent": sent, "received": received });
    }
    object
}
