//! `cipherlens search`: similar photos, best first.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Exit;
use super::export::{self, Named};
use super::failure::{Failure, reported};
use super::output;
use super::photo_object::PhotoObject;
use super::pictures::{self, Divider};
use super::session::{Session, WeightsFile};
use super::table::{Align, Column, table};
use crate::error::Error;
use crate::preview::Choice;
use crate::services::decoys;
use crate::services::embedding::Workload;
use crate::services::export::{IfExists, Target};
use crate::services::library::PhotoId;
use crate::services::name::inert;
use crate::services::open_vault::OpenVault;
use crate::services::photo;
use crate::services::search::{self, DEFAULT_TOP, Listing, Match, Query, SearchResult, Timing, Traffic};

/// Arguments of `search`.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cipherlens search beach.jpg\n  cipherlens search --id 3f2a --threshold 0.6 --top 20 \
        --export found\n\nLists the 50 most similar photos without the query itself: first the matches, marked with *, \
        whose score reaches the threshold of the settings (0.80), then the nearest of the others. With --threshold \
        only matches are listed, all of them, including the query. Scores are cosine similarities: 1 is the same \
        photo, 0.8 a similar one. The query is encrypted before it is compared, and only scores are decrypted. The \
        JSON object has the keys query, query_in_vault (the query itself if the vault holds it, else null), threshold, \
        reached (how many photos reach it), compared, timing_ms {features, encrypt, scan, decrypt}, and matches and \
        nearest [id, name, score, reaches_threshold, is_query, width, height, bytes, modified, captured, media_type, \
        places]; older_copy (null, unless this copy of the vault is older); for a vault on another machine also bytes \
        {sent, received}; with --export also export {exported, already_there, failed, left, error}, as `export` prints \
        it."
)]
pub(super) struct Arguments {
    /// The photo to search with
    #[arg(required_unless_present = "id", conflicts_with = "id")]
    photo: Option<PathBuf>,
    /// Search with a photo of the vault: the first digits of its id
    #[arg(long)]
    id: Option<String>,
    /// List only photos that score at least this, from -1 to 1 [default: the best 50, matches marked from 0.80 on, or
    /// the settings' threshold]
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true)]
    threshold: Option<f32>,
    /// At most this many photos [default: 50; with --threshold all]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    top: Option<NonZeroUsize>,
    /// Decrypt the matches into FOLDER, which must be outside of every vault
    #[arg(long, value_name = "FOLDER")]
    export: Option<PathBuf>,
    /// Fetch N other photos with each that is shown or exported; a host that looks closely can still tell which ones
    /// matched
    #[arg(long, value_name = "N", default_value_t = 0)]
    decoys: usize,
    #[arg(
        long,
        help = format!("How to show the photos: {}", Choice::values()),
        value_name = "HOW",
        hide_possible_values = true,
    )]
    preview: Option<Choice>,
    /// Print how many bytes were sent to and received from the vault's machine
    #[arg(long, short)]
    verbose: bool,
    /// Print one JSON object and nothing else
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    weights: WeightsFile,
}

fn at_least_one(text: &str) -> Result<NonZeroUsize, &'static str> {
    text.parse().map_err(|_| "expected a whole number, at least 1")
}

/// Searches, prints, and exports if requested.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let threshold = session.threshold(arguments.threshold)?;
    let top = arguments.top.map(NonZeroUsize::get);
    let listing = match arguments.threshold {
        Some(_) => Listing::Matches { threshold, top },
        None => Listing::Best(top.unwrap_or(DEFAULT_TOP)),
    };
    let target = arguments.export.as_deref().map(Target::at).transpose()?;
    let vault = session.open_vault()?;
    let found = match (&arguments.photo, &arguments.id) {
        (Some(path), _) => {
            let bytes = photo::read(path).map_err(|source| Error::Read { path: path.clone(), source })?;
            let model = session.load_model_for(&vault, &arguments.weights, Workload::One)?;
            let query = Query::Photo { bytes: &bytes, extension: path.extension(), model: &model };
            search::search(&vault, &query, listing)?
        }
        (None, id) => {
            let photo = vault.find(id.as_deref().unwrap_or_default())?;
            search::search(&vault, &Query::Stored(photo.id), listing)?
        }
    };
    let printed = if arguments.json { Ok(()) } else { show(arguments, session, &vault, &found, threshold, listing) };
    let exported = match &target {
        Some(target) => {
            let (matches, _) = found.split_at_threshold(threshold);
            let matches: Vec<PhotoId> = matches.iter().map(|hit| hit.photo.id).collect();
            let photos = decoys::with_decoys(&vault, &matches, arguments.decoys)?;
            Some((export::run_with_meter(&vault, &photos, target, IfExists::Rename), target))
        }
        None => None,
    };
    let written = match &exported {
        _ if arguments.json => {
            let query = match (&arguments.photo, &arguments.id) {
                (Some(path), _) => path.to_string_lossy().into_owned(),
                (None, id) => id.clone().unwrap_or_default(),
            };
            let mut object = as_json(&query, threshold, &found);
            object["older_copy"] = output::older_copy(&vault);
            if let Some((report, _)) = &exported {
                object["export"] = export::as_json(report);
            }
            output::json(&object)
        }
        Some((report, target)) => export::print(report, &vault, target, Named::Yes),
        None => Ok(()),
    };
    let ended = match exported {
        Some((report, _)) => export::finish(report, written),
        None => reported(Exit::Success, written),
    };
    match printed {
        Ok(()) => ended,
        Err(Failure::Io(error)) => reported(ended?, Err(error)),
        Err(failure) => Err(failure),
    }
}

/// Prints the result, with pictures if the terminal can show them.
fn show(
    arguments: &Arguments,
    session: &Session,
    vault: &OpenVault,
    found: &SearchResult,
    threshold: f32,
    listing: Listing,
) -> Result<(), Failure> {
    output::text(&in_words(found, threshold, listing))?;
    if arguments.verbose {
        output::text(&traffic_in_words(found, vault))?;
    }
    let (matches, _) = found.split_at_threshold(threshold);
    let caption = |(rank, hit): (usize, &Match)| {
        let mark = if rank < matches.len() { MATCH_MARK } else { ' ' };
        (hit.photo.id, format!("{mark}{:.3}", hit.score))
    };
    let pictures: Vec<_> = found.ranked.iter().enumerate().map(caption).collect();
    let divider = divider(found, threshold).map(|text| Divider { place: matches.len(), text });
    pictures::show(session, arguments.preview, vault, &pictures, divider.as_ref(), arguments.decoys)
}

/// The line between matches and the nearest others, if there are both.
fn divider(found: &SearchResult, threshold: f32) -> Option<String> {
    let (matches, nearest) = found.split_at_threshold(threshold);
    (!matches.is_empty() && !nearest.is_empty()).then(|| format!("------- below {threshold:.2}, the nearest:"))
}

/// Columns of the table for a name, at most.
const WIDEST_NAME: usize = 50;

/// Marks the score of each match.
const MATCH_MARK: char = '*';

/// The result as a table: the matches, a divider, the nearest others; and the time of each step.
pub(super) fn in_words(found: &SearchResult, threshold: f32, listing: Listing) -> String {
    if found.compared == 0 {
        return "The vault is empty. Add photos with: cipherlens add FOLDER\n".to_owned();
    }
    let mut text = String::new();
    if let Some(query) = &found.query {
        let listed = if matches!(listing, Listing::Best(_)) { ", not listed" } else { "" };
        let id = query.photo.id.to_string();
        text += &format!("The query is in the vault{listed}: {}  {}\n", &id[..8], inert(&query.photo.name));
    }
    let (matches, nearest) = found.split_at_threshold(threshold);
    let best = nearest.first().map_or(0.0, |hit| hit.score);
    text += &match listing {
        _ if !matches.is_empty() => String::new(),
        Listing::Best(_) if nearest.is_empty() => "There is no other photo in the vault.\n".to_owned(),
        Listing::Best(_) => format!("No other photo reaches {threshold:.2}. The nearest:\n"),
        Listing::Matches { .. } => {
            let floor = (best * 100.0).floor() / 100.0;
            format!("No photo reaches {threshold:.2}. The nearest, for --threshold {floor:.2}:\n")
        }
    };
    text += &rows_of(matches, nearest, divider(found, threshold));
    let Timing { features, encrypt, scan, decrypt } = found.timing;
    let ms = |duration: std::time::Duration| duration.as_secs_f64() * 1e3;
    let reached = found.reached(threshold);
    let hidden = reached - matches.len();
    let reached = output::count(reached, "match");
    let hidden = if hidden > 0 { format!(" ({hidden} not listed)") } else { String::new() };
    text += &format!(
        "{reached}{hidden} of {} compared on ciphertexts: features {:.0} ms, encrypt {:.1} ms, scan {:.1} ms, decrypt \
         {:.1} ms\n",
        found.compared,
        ms(features),
        ms(encrypt),
        ms(scan),
        ms(decrypt),
    );
    text
}

/// The traffic of the search, and since the vault was opened.
fn traffic_in_words(found: &SearchResult, vault: &OpenVault) -> String {
    let (Some(search), Some(all)) = (found.traffic, vault.traffic()) else {
        return "The vault is on this machine: nothing was sent.\n".to_owned();
    };
    format!(
        "Search: {} bytes sent, {} received. With opening the vault: {} sent, {} received.\n",
        search.sent, search.received, all.sent, all.received
    )
}

fn rows_of(matches: &[Match], nearest: &[Match], divider: Option<String>) -> String {
    if matches.is_empty() && nearest.is_empty() {
        return String::new();
    }
    let row = |mark: char, hit: &Match| {
        let (score, id) = (format!("{mark}{:.3}", hit.score), hit.photo.id.to_string()[..8].to_owned());
        let name = inert(&hit.photo.name).into_owned();
        [score, id, name, output::date(&hit.photo), output::size(hit.photo.bytes)]
    };
    let hits: Vec<_> =
        matches.iter().map(|hit| row(MATCH_MARK, hit)).chain(nearest.iter().map(|hit| row(' ', hit))).collect();
    // If no photo has a date, the column is left out.
    let date = if hits.iter().all(|[.., date, _]| date.is_empty()) { "" } else { "date" };
    let rows: Vec<_> = [["score", "id", "name", date, "size"].map(str::to_owned)].into_iter().chain(hits).collect();
    let columns = [
        Column::new(Align::Right),
        Column::new(Align::Left),
        Column::at_most(Align::Left, WIDEST_NAME),
        Column::new(Align::Left),
        Column::new(Align::Right),
    ];
    let text = table(&columns, &rows, None);
    let Some(divider) = divider else { return text };
    let mut lines: Vec<_> = text.lines().map(|line| format!("{line}\n")).collect();
    lines.insert(1 + matches.len(), format!("{divider}\n"));
    lines.concat()
}

fn as_json(query: &str, threshold: f32, found: &SearchResult) -> serde_json::Value {
    let ms = |duration: std::time::Duration| (duration.as_secs_f64() * 1e6).round() / 1e3;
    let row = |hit: &Match| {
        let mut row = json!(PhotoObject::new(&hit.photo));
        row["score"] = json!(output::decimals(hit.score));
        row["reaches_threshold"] = json!(hit.score >= threshold);
        row["is_query"] = json!(found.is_query(hit.photo.id));
        row
    };
    let (matches, nearest) = found.split_at_threshold(threshold);
    let Timing { features, encrypt, scan, decrypt } = found.timing;
    let mut object = json!({
        "query": query,
        "query_in_vault": found.query.as_ref().map(row),
        "threshold": output::decimals(threshold),
        "reached": found.reached(threshold),
        "compared": found.compared,
        "matches": matches.iter().map(row).collect::<Vec<_>>(),
        "nearest": nearest.iter().map(row).collect::<Vec<_>>(),
        "timing_ms": {
            "features": ms(features), "encrypt": ms(encrypt), "scan": ms(scan), "decrypt": ms(decrypt),
        },
    });
    if let Some(Traffic { sent, received }) = found.traffic {
        object["bytes"] = json!({ "sent": sent, "received": received });
    }
    object
}
