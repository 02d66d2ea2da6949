//! Which file imports from which: every path is followed through re-exports to the file that defines what it names.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::Source;

/// Files by number, and for each the files that it names something of.
pub(crate) struct Imports {
    modules: BTreeMap<Vec<String>, usize>,
    names: Vec<BTreeMap<String, Vec<String>>>,
    /// For each file the files it depends on.
    pub(crate) edges: Vec<BTreeSet<usize>>,
}

impl Imports {
    pub(crate) fn of(sources: &[Source]) -> Self {
        let modules = sources.iter().enumerate().map(|(at, source)| (source.module.clone(), at)).collect();
        let names = sources.iter().map(|source| source.imports.clone()).collect();
        let mut imports = Self { modules, names, edges: vec![BTreeSet::new(); sources.len()] };
        for (at, source) in sources.iter().enumerate() {
            for path in &source.paths {
                if let Some(target) = imports.resolve(&source.module, path, 0).map(|(file, _)| file)
                    && target != at
                {
                    imports.edges[at].insert(target);
                }
            }
        }
        imports
    }

    /// The file that defines what `path` names inside `module`, and the module's path if it names a module. `None` for
    /// what lies outside the project.
    fn resolve(&self, module: &[String], path: &[String], hops: usize) -> Option<(usize, Option<Vec<String>>)> {
        assert!(hops < 30, "imports that lead in a circle: {path:?} in {module:?}");
        let mut rest = path.iter();
        let first = rest.next()?;
        let mut current: Vec<String> = match first.as_str() {
            "crate" => module[..1].to_vec(),
            "self" => module.to_vec(),
            "super" => module.split_last()?.1.to_vec(),
            name => {
                let child = [module, &[name.to_owned()]].concat();
                let here = *self.modules.get(module)?;
                if path.len() > 1 && self.modules.contains_key(&child) {
                    child
                } else if let Some(target) = self.names[here].get(name).filter(|target| target[0] != name) {
                    match self.resolve(module, target, hops + 1)? {
                        (_, Some(found)) => found,
                        item => return Some(item),
                    }
                } else if self.modules.contains_key(std::slice::from_ref(first)) {
                    vec![first.clone()]
                } else {
                    return None;
                }
            }
        };
        for name in rest {
            if name == "super" {
                current.pop();
                continue;
            }
            let here = *self.modules.get(&current)?;
            let child = [current.as_slice(), std::slice::from_ref(name)].concat();
            if self.modules.contains_key(&child) {
                current = child;
            } else if let Some(target) = self.names[here].get(name) {
                match self.resolve(&current, target, hops + 1)? {
                    (_, Some(found)) => current = found,
                    item => return Some(item),
                }
            } else {
                return Some((here, None));
            }
        }
        let file = *self.modules.get(&current)?;
        Some((file, Some(current)))
    }

    /// Sets of files that import from one another in a circle: the strongly connected components with two or more
    /// files.
    pub(crate) fn circles(&self) -> Vec<Vec<usize>> {
        let reachable: Vec<BTreeSet<usize>> = (0..self.edges.len()).map(|from| self.reachable(from)).collect();
        let mut circles = BTreeSet::new();
        for from in 0..self.edges.len() {
            let circle: Vec<usize> =
                reachable[from].iter().copied().filter(|to| reachable[*to].contains(&from)).collect();
            if circle.len() > 1 {
                circles.insert(circle);
            }
        }
        circles.into_iter().collect()
    }

    fn reachable(&self, from: usize) -> BTreeSet<usize> {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(file) = open.pop() {
            for to in &self.edges[file] {
                if seen.insert(*to) {
                    open.push(*to);
                }
            }
        }
        seen
    }
}
