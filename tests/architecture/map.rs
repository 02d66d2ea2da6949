//! The table of rooms in ARCHITECTURE.md.

use std::fs;

use crate::source::root;

struct Room {
    layer: usize,
    /// A folder, a file without its extension, or both. The first path is the room's name.
    paths: Vec<String>,
    /// Paths of the rooms that it may import from; what lies below them counts too.
    may_use: Vec<String>,
}

impl Room {
    fn name(&self) -> &str {
        &self.paths[0]
    }
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
        self.0.iter().map(Room::name)
    }

    /// The room that a file belongs to: the one with the longest path that leads to it.
    pub(crate) fn room_of(&self, file: &str) -> &str {
        let paths = self.0.iter().flat_map(|room| room.paths.iter().map(move |path| (path, room)));
        let holding = paths.filter(|(path, _)| file == format!("{path}.rs") || lies_in(file, path));
        let (_, room) = holding
            .max_by_key(|(path, _)| path.len())
            .unwrap_or_else(|| panic!("{file} is in no room of ARCHITECTURE.md"));
        room.name()
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
        self.0.iter().find(|room| room.name() == path).unwrap_or_else(|| panic!("ARCHITECTURE.md has no room {path}"))
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
    let paths = quoted(path);
    assert!(!paths.is_empty(), "no path in the row {line}");
    Some(Room { layer, paths, may_use: quoted(may_use) })
}
