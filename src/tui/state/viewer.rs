//! The photo view: one photo, or two side by side, over the whole screen. The photo is the one under the cursor of the
//! list below; this is how it is shown.

use std::time::Duration;

use super::super::preview::{Enlarged, Rotation, Subject, View};
use super::results::Query;
use crate::preview::Room;
use crate::services::library::PhotoId;

/// How long a slideshow shows each photo.
pub const SLIDE: Duration = Duration::from_secs(4);

/// Percentages to zoom to: about 1.4 times as large each.
const PERCENT: [u16; 19] = [1, 2, 3, 4, 6, 8, 12, 17, 25, 35, 50, 70, 100, 140, 200, 280, 400, 560, 800];

/// The part of the visible pixels by which a step pans.
const PAN: f64 = 1.0 / 3.0;

/// How large a photo is drawn.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Zoom {
    /// As large as fits.
    #[default]
    Fit,
    /// At 100, a pixel of the photo is a pixel of the terminal.
    Percent(u16),
}

/// One step of the zoom.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ZoomStep {
    /// Larger.
    In,
    /// Smaller, down to what fits.
    Out,
}

/// The direction of panning.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "they are directions")]
pub enum Direction {
    Left,
    Right,
    Up,
    Down,
}

/// A photo of the view as the last frame showed it.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownPhoto {
    /// The photo.
    pub subject: Subject,
    /// Its width and height in pixels, upright; `None` until it was drawn in full.
    pub pixels: Option<(u32, u32)>,
    /// The room it had; `None` while no picture is drawn.
    pub room: Option<Room>,
    /// Whether it is still to be drawn. One that cannot be drawn is not.
    pub is_loading: bool,
}

/// The state of the photo view. Has no `Debug`: queries must not reach logs.
#[derive(Clone)]
pub struct Viewer {
    /// The photo under the cursor when the view was last brought up to date.
    photo: Query,
    /// The photo at its left that it is compared with.
    pub compared: Option<Query>,
    /// How large both are drawn.
    pub zoom: Zoom,
    /// The middle of what is visible of the photo as it is turned: across and down, 0 to 1.
    centre: (f64, f64),
    /// How both are turned.
    pub rotation: Rotation,
    /// How long the slideshow, if one runs, has shown the photo. The time in which it is loaded does not count.
    pub slideshow: Option<Duration>,
    /// The photos of a remote vault that the user had fetched; none that is no longer shown.
    fetched: Vec<PhotoId>,
    /// The photos of the last frame, from left to right.
    shown: Vec<ShownPhoto>,
}

impl Viewer {
    /// The view of a photo that the user pressed a key on.
    #[must_use]
    pub fn new(photo: Query) -> Self {
        let fetched = id_of(&photo).into_iter().collect();
        Self {
            photo,
            compared: None,
            zoom: Zoom::Fit,
            centre: (0.5, 0.5),
            rotation: Rotation::None,
            slideshow: None,
            fetched,
            shown: Vec::new(),
        }
    }

    /// The photo under the cursor.
    #[must_use]
    pub fn photo(&self) -> &Query {
        &self.photo
    }

    /// Shows another photo, upright and as large as fits. Returns whether it is another one.
    pub fn show(&mut self, photo: Query) -> bool {
        let is_other = !is_same(&photo, &self.photo);
        self.photo = photo;
        if is_other {
            self.reset();
        }
        is_other
    }

    /// Compares the photo with `left`, or ends that.
    pub fn compare(&mut self, left: Option<Query>) {
        self.compared = left;
        self.reset();
    }

    fn reset(&mut self) {
        (self.zoom, self.centre, self.rotation) = (Zoom::Fit, (0.5, 0.5), Rotation::None);
        let ids: Vec<PhotoId> = self.photos().filter_map(id_of).collect();
        self.fetched.retain(|id| ids.contains(id));
        if let Some(elapsed) = &mut self.slideshow {
            *elapsed = Duration::ZERO;
        }
    }

    /// The photos of the view, from left to right.
    pub fn photos(&self) -> impl Iterator<Item = &Query> {
        self.compared.iter().chain([&self.photo])
    }

    /// Fetches the photos that are shown.
    pub fn fetch(&mut self) {
        self.fetched = self.photos().filter_map(id_of).collect();
    }

    /// Whether the user had the photo fetched.
    #[must_use]
    pub fn is_fetched(&self, id: PhotoId) -> bool {
        self.fetched.contains(&id)
    }

    /// Takes what a frame showed.
    pub fn drawn(&mut self, shown: Vec<ShownPhoto>) {
        let before = std::mem::replace(&mut self.shown, shown);
        for photo in self.shown.iter_mut().filter(|photo| photo.pixels.is_none()) {
            photo.pixels = before.iter().find(|other| other.subject == photo.subject).and_then(|other| other.pixels);
        }
    }

    /// Whether the last frame showed the photo or said why it cannot be shown.
    #[must_use]
    pub fn has_shown(&self, subject: &Subject) -> bool {
        self.shown.iter().any(|photo| photo.subject == *subject && !photo.is_loading)
    }

    /// Width and height in pixels of a photo that was drawn in full.
    #[must_use]
    pub fn pixels(&self, subject: &Subject) -> Option<(u32, u32)> {
        self.shown.iter().find(|photo| photo.subject == *subject)?.pixels
    }

    /// How to draw a photo in this room.
    #[must_use]
    pub fn view(&self, pixels: Option<(u32, u32)>, room: Option<Room>) -> View {
        let enlarged = match (self.zoom, pixels, room) {
            (Zoom::Percent(percent), Some(pixels), Some(room)) => {
                let scale = f64::from(percent) / 100.0 * room.unit;
                Some(Enlarged::around(self.centre, self.rotation.swap(pixels), scale, &room))
            }
            _ => None,
        };
        View { rotation: self.rotation, enlarged }
    }

    /// The size of the photo under the cursor in percent; `None` while it is not known.
    #[must_use]
    pub fn percent(&self) -> Option<f64> {
        match self.zoom {
            Zoom::Percent(percent) => Some(f64::from(percent)),
            Zoom::Fit => {
                let (pixels, room) = self.known().last()?;
                Some(room.fitting_scale(pixels) / room.unit * 100.0)
            }
        }
    }

    /// Where one is in a photo that is larger than its room: across and down in percent, from edge to edge.
    #[must_use]
    pub fn place(&self) -> Option<(u16, u16)> {
        let (pixels, room) = self.known().last()?;
        let part = self.view(Some(self.rotation.swap(pixels)), Some(room)).enlarged?.part;
        let along = |at: u32, length: u32, side: u32| match side.saturating_sub(length) {
            0 => None,
            rest => Some((f64::from(at) / f64::from(rest) * 100.0).round() as u16),
        };
        let across = along(part.x, part.width, pixels.0);
        let down = along(part.y, part.height, pixels.1);
        (across.is_some() || down.is_some()).then(|| (across.unwrap_or(50), down.unwrap_or(50)))
    }

    /// Pixels of the photos as they are turned, and their rooms, where both are known.
    fn known(&self) -> impl DoubleEndedIterator<Item = ((u32, u32), Room)> {
        self.shown.iter().filter_map(|photo| Some((self.rotation.swap(photo.pixels?), photo.room?)))
    }

    /// Whether the view can be zoomed: the photo was drawn.
    #[must_use]
    pub fn can_zoom(&self) -> bool {
        self.known().next().is_some()
    }

    /// The zoom after a step; `None` at the end.
    #[must_use]
    pub fn next_zoom(&self, step: ZoomStep) -> Option<Zoom> {
        let (pixels, room) = self.known().last()?;
        let fitting = room.fitting_scale(pixels) / room.unit * 100.0;
        let now = self.percent()?;
        match step {
            ZoomStep::In => {
                PERCENT.iter().find(|percent| f64::from(**percent) > now * 1.01).map(|percent| Zoom::Percent(*percent))
            }
            ZoomStep::Out if self.zoom == Zoom::Fit => None,
            ZoomStep::Out => {
                let next = PERCENT.iter().rev().find(|percent| f64::from(**percent) < now);
                let is_larger = |percent: &&u16| f64::from(**percent) > fitting * 1.01;
                Some(next.filter(is_larger).map_or(Zoom::Fit, |percent| Zoom::Percent(*percent)))
            }
        }
    }

    /// Between as large as fits and pixel by pixel.
    pub fn toggle_zoom(&mut self) {
        self.zoom = match self.zoom {
            Zoom::Fit => Zoom::Percent(100),
            Zoom::Percent(_) => Zoom::Fit,
        };
    }

    /// Turns the photos by 90 degrees clockwise. What is in the middle stays there.
    pub fn turn(&mut self) {
        self.rotation = self.rotation.next();
        self.centre = (1.0 - self.centre.1, self.centre.0);
    }

    /// Whether a photo is larger than its room, so that one can pan.
    #[must_use]
    pub fn is_larger_than_room(&self) -> bool {
        self.visible().any(|(across, down)| across < 1.0 || down < 1.0)
    }

    /// The part of each photo that is visible, across and down.
    fn visible(&self) -> impl Iterator<Item = (f64, f64)> {
        let parts = self.known().filter_map(|(pixels, room)| {
            // `view` turns the pixels, which are turned already.
            let part = self.view(Some(self.rotation.swap(pixels)), Some(room)).enlarged?.part;
            Some((f64::from(part.width) / f64::from(pixels.0), f64::from(part.height) / f64::from(pixels.1)))
        });
        parts.collect::<Vec<_>>().into_iter()
    }

    /// The middle of what is visible after panning; `None` at the edge.
    fn panned(&self, direction: Direction) -> Option<(f64, f64)> {
        // Of two photos, the one of which less is visible decides: it can be panned further.
        let least = |one: f64, other: f64| one.min(other);
        let (across, down) = self.visible().reduce(|one, other| (least(one.0, other.0), least(one.1, other.1)))?;
        let step = |at: f64, visible: f64, sign: f64| {
            let half = (visible / 2.0).min(0.5);
            let from = at.clamp(half, 1.0 - half);
            let to = (from + sign * visible * PAN).clamp(half, 1.0 - half);
            ((to - from).abs() > 1e-6).then_some(to)
        };
        let (x, y) = self.centre;
        match direction {
            Direction::Left => Some((step(x, across, -1.0)?, y)),
            Direction::Right => Some((step(x, across, 1.0)?, y)),
            Direction::Up => Some((x, step(y, down, -1.0)?)),
            Direction::Down => Some((x, step(y, down, 1.0)?)),
        }
    }

    /// Whether there is more of the photo in this direction.
    #[must_use]
    pub fn can_pan(&self, direction: Direction) -> bool {
        self.panned(direction).is_some()
    }

    /// Pans by a part of what is visible.
    pub fn pan(&mut self, direction: Direction) {
        self.centre = self.panned(direction).unwrap_or(self.centre);
    }
}

/// The id of a stored photo.
#[must_use]
pub fn id_of(photo: &Query) -> Option<PhotoId> {
    match photo {
        Query::File(_) => None,
        Query::Stored(photo) => Some(photo.id),
    }
}

/// Whether both are the same photo, whatever else is known of it.
#[must_use]
pub fn is_same(one: &Query, other: &Query) -> bool {
    match (one, other) {
        (Query::File(one), Query::File(other)) => one == other,
        (Query::Stored(one), Query::Stored(other)) => one.id == other.id,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    const ROOM: Room = Room { width: 400.0, height: 300.0, unit: 1.0 };

    fn file(name: &str) -> Query {
        Query::File(PathBuf::from(name))
    }

    fn drawn(pixels: (u32, u32)) -> Viewer {
        let mut viewer = Viewer::new(file("a"));
        let subject = Subject::File(PathBuf::from("a"));
        viewer.drawn(vec![ShownPhoto { subject, pixels: Some(pixels), room: Some(ROOM), is_loading: false }]);
        viewer
    }

    fn percents(viewer: &mut Viewer, step: ZoomStep, times: usize) -> Vec<Option<f64>> {
        (0..times)
            .map(|_| {
                viewer.zoom = viewer.next_zoom(step).unwrap_or(viewer.zoom);
                viewer.percent()
            })
            .collect()
    }

    #[test]
    fn zooming_steps_from_what_fits_to_800_percent_and_back() {
        let mut viewer = drawn((1000, 750));
        assert_eq!(viewer.percent(), Some(40.0));
        assert_eq!(percents(&mut viewer, ZoomStep::In, 4), [Some(50.0), Some(70.0), Some(100.0), Some(140.0)]);
        percents(&mut viewer, ZoomStep::In, 20);
        assert_eq!((viewer.percent(), viewer.next_zoom(ZoomStep::In)), (Some(800.0), None));
        percents(&mut viewer, ZoomStep::Out, 20);
        assert_eq!((viewer.zoom, viewer.next_zoom(ZoomStep::Out)), (Zoom::Fit, None));
    }

    #[test]
    fn nothing_can_be_zoomed_before_it_was_drawn() {
        let viewer = Viewer::new(file("a"));
        assert!(!viewer.can_zoom() && viewer.percent().is_none() && viewer.next_zoom(ZoomStep::In).is_none());
        assert_eq!(viewer.view(None, Some(ROOM)), View::default());
    }

    #[test]
    fn panning_moves_by_a_third_and_ends_at_the_edges() {
        let mut viewer = drawn((4000, 3000));
        assert!(!viewer.is_larger_than_room() && !viewer.can_pan(Direction::Left));
        viewer.toggle_zoom();
        let part = |viewer: &Viewer| viewer.view(Some((4000, 3000)), Some(ROOM)).enlarged.unwrap().part;
        assert!(viewer.is_larger_than_room());
        viewer.pan(Direction::Right);
        assert_eq!((part(&viewer).x, part(&viewer).y), (1933, 1350));
        for _ in 0..100 {
            viewer.pan(Direction::Right);
            viewer.pan(Direction::Down);
        }
        assert_eq!((part(&viewer).x, part(&viewer).y, viewer.place()), (3600, 2700, Some((100, 100))));
        assert!(!viewer.can_pan(Direction::Right) && viewer.can_pan(Direction::Up));
        for _ in 0..100 {
            viewer.pan(Direction::Up);
        }
        assert_eq!(viewer.place(), Some((100, 0)));
    }

    #[test]
    fn a_photo_larger_than_its_room_in_one_direction_is_panned_in_that_only() {
        let mut viewer = drawn((4000, 200));
        viewer.toggle_zoom();
        assert!(viewer.can_pan(Direction::Left) && !viewer.can_pan(Direction::Up));
        assert_eq!(viewer.place(), Some((50, 50)));
    }

    #[test]
    fn turning_keeps_the_middle_and_swaps_the_sides() {
        let mut viewer = drawn((4000, 3000));
        viewer.toggle_zoom();
        for _ in 0..100 {
            viewer.pan(Direction::Up);
        }
        assert_eq!(viewer.place(), Some((50, 0)));
        viewer.turn();
        assert_eq!((viewer.place(), viewer.rotation.degrees()), (Some((100, 50)), 90), "the top is at the right now");
        let part = viewer.view(Some((4000, 3000)), Some(ROOM)).enlarged.unwrap().part;
        assert_eq!((part.x, part.width, part.height), (2600, 400, 300));
    }

    #[test]
    fn another_photo_is_shown_upright_and_as_large_as_fits() {
        let mut viewer = drawn((4000, 3000));
        viewer.toggle_zoom();
        viewer.turn();
        assert!(!viewer.show(file("a")) && viewer.zoom == Zoom::Percent(100), "the same photo stays as it is");
        assert!(viewer.show(file("b")));
        assert_eq!((viewer.zoom, viewer.rotation), (Zoom::Fit, Rotation::None));
        assert!(!viewer.is_larger_than_room());
    }

    #[test]
    fn of_two_photos_the_one_that_can_go_further_decides() {
        let mut viewer = drawn((4000, 3000));
        viewer.compare(Some(file("b")));
        let shown = [("b", (8000, 6000)), ("a", (300, 200))].map(|(name, pixels)| ShownPhoto {
            subject: Subject::File(PathBuf::from(name)),
            pixels: Some(pixels),
            room: Some(ROOM),
            is_loading: false,
        });
        viewer.drawn(shown.to_vec());
        viewer.toggle_zoom();
        assert!(viewer.is_larger_than_room() && viewer.can_pan(Direction::Left));
    }
}
