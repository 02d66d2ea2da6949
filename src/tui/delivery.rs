//! Sending photos through the terminal to the user's own machine, in pieces so that keys are handled in between, and
//! the terminal's responses.
//!
//! iTerm2's OSC 1337 `File` and `MultipartFile`: <https://iterm2.com/documentation-images.html>; kitty's OSC 5113:
//! <https://sw.kovidgoyal.net/kitty/file-transfer-protocol/>. Photos are wiped when the delivery is dropped.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use zeroize::Zeroizing;

use crate::services::name::{exportable, numbered};

/// Bytes of a photo in a piece for kitty, the protocol's limit.
const KITTY_PIECE: usize = 4096;
/// Bytes of a photo in a piece for iTerm2: a multiple of three, so that the base64 of pieces can be joined.
const ITERM2_PIECE: usize = 12 << 10;

/// A photo to deliver. Has no `Debug`: names are not for logs.
pub struct Photo {
    name: String,
    bytes: Zeroizing<Vec<u8>>,
}

/// How a terminal receives files.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Route {
    /// iTerm2 before 3.5: a file in one sequence.
    Iterm2Whole,
    /// iTerm2 since 3.5: in parts.
    Iterm2InParts,
    /// The same, wrapped for tmux to pass on.
    Iterm2ThroughTmux,
    /// kitty, which asks its user first.
    Kitty,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    Beginning,
    AwaitingLeave,
    Head { photo: usize },
    Data { photo: usize, from: usize },
    AwaitingReceipts,
    Closing,
    Over,
}

/// A delivery under way.
pub struct Delivery {
    route: Route,
    /// Distinguishes this transfer from others in the same terminal.
    id: String,
    photos: Vec<Photo>,
    place: Place,
    /// Photos whose outcome the terminal has reported.
    receipts: usize,
    failure: Option<String>,
}

impl Delivery {
    /// Prepares photos for sending; their names are sanitised and made unique. `id` consists of letters and digits.
    #[must_use]
    pub fn new(route: Route, id: String, photos: Vec<(String, Zeroizing<Vec<u8>>)>) -> Self {
        let mut taken = HashSet::new();
        let unique = |(name, bytes): (String, Zeroizing<Vec<u8>>)| {
            let plain = exportable(&name);
            let mut name = plain.clone();
            let mut copy = 1;
            while !taken.insert(name.clone()) {
                copy += 1;
                name = numbered(&plain, copy);
            }
            Photo { name, bytes }
        };
        let photos = photos.into_iter().map(unique).collect();
        Self { route, id, photos, place: Place::Beginning, receipts: 0, failure: None }
    }

    /// The next piece to send; `None` while the terminal has to answer, and at the end.
    pub fn next_piece(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.place {
                Place::AwaitingLeave | Place::Over => return None,
                Place::AwaitingReceipts if self.receipts < self.photos.len() => return None,
                Place::AwaitingReceipts => self.place = Place::Closing,
                Place::Beginning if self.route == Route::Kitty => {
                    self.place = Place::AwaitingLeave;
                    return Some(self.command("ac=send"));
                }
                Place::Beginning => self.place = Place::Head { photo: 0 },
                Place::Head { photo } if photo < self.photos.len() => {
                    self.place = Place::Data { photo, from: 0 };
                    if self.route != Route::Iterm2Whole {
                        return Some(self.head(photo));
                    }
                }
                Place::Head { .. } if self.route == Route::Kitty => self.place = Place::AwaitingReceipts,
                Place::Head { .. } => self.place = Place::Over,
                Place::Data { photo, from } => return Some(self.data(photo, from)),
                Place::Closing => {
                    self.place = Place::Over;
                    return Some(self.command("ac=finish"));
                }
            }
        }
    }

    /// Takes an answer of the terminal; one that is not about this delivery is ignored.
    pub fn receive_answer(&mut self, answer: &str) {
        let Some(fields) = answer.strip_prefix("]5113;") else { return };
        let field = |name: &str| fields.split(';').find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
        if self.route != Route::Kitty || field("id") != Some(&self.id) || field("ac") != Some("status") {
            return;
        }
        let status = BASE64.decode(field("st").unwrap_or_default()).unwrap_or_default();
        let status = String::from_utf8_lossy(&status).into_owned();
        match (field("fid"), status.as_str()) {
            (Some(_), "STARTED" | "PROGRESS") => {}
            (Some(_), "OK") => self.receipts += 1,
            (Some(_), _) => {
                self.receipts += 1;
                self.failure = Some(status);
            }
            (None, "OK") if self.place == Place::AwaitingLeave => self.place = Place::Head { photo: 0 },
            (None, "OK") => {}
            (None, _) => {
                self.failure = Some(status);
                self.place = Place::Over;
            }
        }
    }

    /// The outcome once it is over: how many photos were sent, or the terminal's reason for refusing.
    #[must_use]
    pub fn outcome(&self) -> Option<Result<usize, &str>> {
        (self.place == Place::Over).then_some(match &self.failure {
            Some(reason) => Err(reason.as_str()),
            None => Ok(self.photos.len()),
        })
    }

    /// Cancels the delivery. Returns what to send so that the terminal does not wait for the rest.
    #[must_use]
    pub fn cancel(self) -> Vec<u8> {
        match (self.route, self.place) {
            (_, Place::Beginning | Place::Over) => Vec::new(),
            (Route::Kitty, _) => self.command("ac=cancel"),
            // The terminal rejects a photo that ends too early.
            (Route::Iterm2InParts | Route::Iterm2ThroughTmux, Place::Data { .. }) => self.iterm2("FileEnd"),
            _ => Vec::new(),
        }
    }

    fn head(&self, photo: usize) -> Vec<u8> {
        let Photo { name, bytes } = &self.photos[photo];
        match self.route {
            Route::Kitty => {
                // A folder of its own, because kitty overwrites existing files.
                let path = BASE64.encode(format!("~/Downloads/cipherlens-{}/{name}", self.id));
                self.command(&format!("ac=file;fid=f{photo};n={path};sz={}", bytes.len()))
            }
            _ => self.iterm2(&format!("MultipartFile={}", described(name, bytes))),
        }
    }

    fn data(&mut self, photo: usize, from: usize) -> Vec<u8> {
        let Photo { name, bytes } = &self.photos[photo];
        let most = match self.route {
            Route::Kitty => KITTY_PIECE,
            Route::Iterm2InParts | Route::Iterm2ThroughTmux => ITERM2_PIECE,
            Route::Iterm2Whole => bytes.len(),
        };
        let until = bytes.len().min(from + most);
        let is_last = until == bytes.len();
        let data = BASE64.encode(&bytes[from..until]);
        let piece = match self.route {
            Route::Kitty => {
                let action = if is_last { "end_data" } else { "data" };
                self.command(&format!("ac={action};fid=f{photo};d={data}"))
            }
            Route::Iterm2Whole => self.iterm2(&format!("File={}:{data}", described(name, bytes))),
            Route::Iterm2InParts | Route::Iterm2ThroughTmux => {
                let end = if is_last { self.iterm2("FileEnd") } else { Vec::new() };
                [self.iterm2(&format!("FilePart={data}")), end].concat()
            }
        };
        self.place = if is_last { Place::Head { photo: photo + 1 } } else { Place::Data { photo, from: until } };
        piece
    }

    fn command(&self, fields: &str) -> Vec<u8> {
        format!("\x1b]5113;id={};{fields}\x1b\\", self.id).into_bytes()
    }

    fn iterm2(&self, content: &str) -> Vec<u8> {
        match self.route {
            Route::Iterm2ThroughTmux => format!("\x1bPtmux;\x1b\x1b]1337;{content}\x07\x1b\\").into_bytes(),
            _ => format!("\x1b]1337;{content}\x07").into_bytes(),
        }
    }
}

/// The arguments that describe a file to iTerm2.
fn described(name: &str, bytes: &[u8]) -> String {
    format!("name={};size={};inline=0", BASE64.encode(name), bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(route: Route, photos: &[(&str, &[u8])]) -> Delivery {
        let photos = photos.iter().map(|(name, bytes)| ((*name).to_owned(), Zeroizing::new(bytes.to_vec())));
        Delivery::new(route, "7c".to_owned(), photos.collect())
    }

    fn pieces(delivery: &mut Delivery) -> Vec<String> {
        std::iter::from_fn(|| delivery.next_piece()).map(|piece| String::from_utf8(piece).unwrap()).collect()
    }

    /// kitty's status report about the session or, with a number, about a file.
    fn status(file: Option<usize>, status: &str) -> String {
        let file = file.map(|number| format!(";fid=f{number}")).unwrap_or_default();
        format!("]5113;ac=status;id=7c{file};st={}", BASE64.encode(status))
    }

    #[test]
    fn iterm2_is_sent_a_file_in_one_sequence_as_its_documentation_says() {
        let mut delivery = delivery(Route::Iterm2Whole, &[("../a.jpg", b"foobar"), ("a.jpg", b"f")]);
        assert_eq!(
            pieces(&mut delivery),
            [
                "\x1b]1337;File=name=YS5qcGc=;size=6;inline=0:Zm9vYmFy\x07",
                "\x1b]1337;File=name=YSAoMikuanBn;size=1;inline=0:Zg==\x07"
            ]
        );
        assert_eq!(delivery.outcome(), Some(Ok(2)));
    }

    #[test]
    fn since_3_5_iterm2_is_sent_parts_through_tmux_too() {
        let photo: Vec<u8> = (0..2 * ITERM2_PIECE + 7).map(|at| at as u8).collect();
        let mut plain = delivery(Route::Iterm2InParts, &[("a.jpg", &photo)]);
        let sent = pieces(&mut plain);
        assert_eq!(sent[0], format!("\x1b]1337;MultipartFile=name=YS5qcGc=;size={};inline=0\x07", photo.len()));
        let joined = sent[1..].concat();
        let data = joined.strip_suffix("\x1b]1337;FileEnd\x07").unwrap().replace("\x1b]1337;FilePart=", "");
        assert_eq!(BASE64.decode(data.replace('\x07', "")).unwrap(), photo);
        let mut wrapped = delivery(Route::Iterm2ThroughTmux, &[("a.jpg", &photo)]);
        let unwrapped: Vec<String> = pieces(&mut wrapped)
            .iter()
            .map(|piece| piece.replace("\x1bPtmux;\x1b\x1b", "\x1b").replace("\x07\x1b\\", "\x07"))
            .collect();
        assert_eq!(unwrapped, sent);
    }

    #[test]
    fn kitty_is_asked_first_and_told_when_all_files_were_sent() {
        let mut delivery = delivery(Route::Kitty, &[("a.jpg", b"foobar"), ("b.jpg", &[0; KITTY_PIECE + 1])]);
        assert_eq!(pieces(&mut delivery), ["\x1b]5113;id=7c;ac=send\x1b\\"]);
        delivery.receive_answer("]5113;ac=status;id=other;st=T0s=");
        assert!(pieces(&mut delivery).is_empty(), "the answer to another session");
        delivery.receive_answer(&status(None, "OK"));
        let sent = pieces(&mut delivery);
        let path = BASE64.encode("~/Downloads/cipherlens-7c/a.jpg");
        assert_eq!(sent[0], format!("\x1b]5113;id=7c;ac=file;fid=f0;n={path};sz=6\x1b\\"));
        assert_eq!(sent[1], "\x1b]5113;id=7c;ac=end_data;fid=f0;d=Zm9vYmFy\x1b\\");
        assert!(sent[3].contains("ac=data;fid=f1;d=") && sent[4].ends_with("ac=end_data;fid=f1;d=AA==\x1b\\"));
        for (file, said) in [(0, "STARTED"), (0, "PROGRESS"), (0, "OK"), (1, "STARTED")] {
            delivery.receive_answer(&status(Some(file), said));
        }
        assert!(pieces(&mut delivery).is_empty() && delivery.outcome().is_none());
        delivery.receive_answer(&status(Some(1), "OK"));
        assert_eq!(pieces(&mut delivery), ["\x1b]5113;id=7c;ac=finish\x1b\\"]);
        assert_eq!(delivery.outcome(), Some(Ok(2)));
    }

    #[test]
    fn a_refusal_by_kitty_is_reported_in_its_words() {
        let mut refused = delivery(Route::Kitty, &[("a.jpg", b"foobar")]);
        pieces(&mut refused);
        refused.receive_answer(&status(None, "EPERM:User refused the transfer"));
        assert_eq!(refused.outcome(), Some(Err("EPERM:User refused the transfer")));
        assert!(pieces(&mut refused).is_empty());
        let mut failed = delivery(Route::Kitty, &[("a.jpg", b"foobar")]);
        pieces(&mut failed);
        failed.receive_answer(&status(None, "OK"));
        pieces(&mut failed);
        failed.receive_answer(&status(Some(0), "EIO:Failed to write to file"));
        assert_eq!(pieces(&mut failed), ["\x1b]5113;id=7c;ac=finish\x1b\\"]);
        assert_eq!(failed.outcome(), Some(Err("EIO:Failed to write to file")));
    }

    #[test]
    fn cancelling_notifies_a_terminal_that_waits() {
        let mut waiting = delivery(Route::Kitty, &[("a.jpg", b"foobar")]);
        pieces(&mut waiting);
        assert_eq!(waiting.cancel(), b"\x1b]5113;id=7c;ac=cancel\x1b\\");
        assert!(delivery(Route::Kitty, &[("a.jpg", b"foobar")]).cancel().is_empty());
    }
}
