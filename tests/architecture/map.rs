//! The table of rooms in ARCHITECTURE.md.

use std::fs;

use crate::source::root;

struct Room {
    layer: usize,
    path: String,
    /// Paths of the rooms that it may import from; what lies below them counts too.
    may_use: Vec<String>,
}

pub(crate) struct Map(Vec<Room>);

impl Map {
    /// Reads the rows ``| layer | `path` | what lives there | may use |``.
    pub(crate) fn read() -> Self {
        let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
        let rooms: Vec<Room> = text.lines().filter_map(row).collect();
        assert!(rooms.len() > 10, "ARCHITECTURE.md names only {} rooms", rooms.len());
        Self(rooms)
    }

    pub(crate) fn rooms(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|room| room.path.as_str())
    }

    /// The room that a file belongs to: the one with the longest path that leads to it.
    pub(crate) fn room_of(&self, file: &str) -> &str {
        let holds = |room: &&Room| file == format!("{}.rs", room.path) || lies_in(file, &room.path);
        let room = self.0.iter().filter(holds).max_by_key(|room| room.path.len());
        &room.unwrap_or_else(|| panic!("{file} is in no room of ARCHITECTURE.md")).path
    }

    pub(crate) fn layer(&self, room: &str) -> usize {
        self.room(room).layer
    }

    pub(crate) fn may_use(&self, room: &str) -> &[String] {
        &self.room(room).may_use
    }

    pub(crate) fn allows(&self, from: &str, to: &str) -> bool {
        self.may_use(from).iter().any(|allowed| to == allowed || lies_in(to, allowed))
    }

    fn room(&self, path: &str) -> &Room {
        self.0.iter().find(|room| room.path == path).unwrap_or_else(|| panic!("ARCHITECTURE.md has no room {path}"))
    }
}

fn lies_in(path: &str, room: &str) -> bool {
    path.strip_prefix(room).is_some_and(|rest| rest.starts_with('/'))
}

fn row(line: &str) -> Option<Room> {
    let cells: Vec<&str> = line.trim().strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
    let [layer, path, _, may_use] = cells[..] else { return None };
    let layer = layer.parse().ok()?;
    let quoted = |cell: &str| -> Vec<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let [path] = &quoted(path)[..] else { panic!("no path in the row {line}") };
    Some(Room { layer, path: path.clone(), may_use: quoted(may_use) })
}
