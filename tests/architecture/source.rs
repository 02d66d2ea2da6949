//! The source files of all packages, parsed: which modules there are, what each imports and which paths it names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// One `.rs` file.
pub(crate) struct Source {
    /// Path below the project's root, with forward slashes.
    pub(crate) path: String,
    pub(crate) text: String,
    /// Path of its module: the crate's name first.
    pub(crate) module: Vec<String>,
    /// Names that a `use` item brings into the module, with the path they stand for. Re-exports of what lies elsewhere
    /// than in the module's own children are left out: whoever uses them depends on the module that offers them.
    pub(crate) imports: BTreeMap<String, Vec<String>>,
    /// Everything the file names by a path, unit tests left out. Re-exports (`pub use`) of a module's own children are
    /// not among them: a parent that only presents its children does not depend on them.
    pub(crate) paths: Vec<Vec<String>>,
}

/// The project's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folders of all packages below `crates/`, by path below the root.
pub(crate) fn packages() -> Vec<String> {
    let entries = walkdir::WalkDir::new(root().join("crates")).sort_by_file_name().into_iter().map(Result::unwrap);
    let manifests = entries.filter(|entry| entry.file_name() == "Cargo.toml");
    let folders = manifests.map(|entry| entry.path().parent().unwrap().strip_prefix(root()).unwrap().to_owned());
    folders.map(|folder| folder.to_str().unwrap().replace('\\', "/")).collect()
}

/// All source files of all packages, without tests, benchmarks and examples.
pub(crate) fn sources() -> &'static [Source] {
    static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(parse_all);
    &SOURCES
}

fn parse_all() -> Vec<Source> {
    let mut found = package("cipherlens", "src");
    for directory in packages() {
        let manifest = fs::read_to_string(root().join(&directory).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let name = manifest["package"]["name"].as_str().unwrap().replace('-', "_");
        found.extend(package(&name, &format!("{directory}/src")));
    }
    found.sort_by(|left, right| left.path.cmp(&right.path));
    assert!(found.len() > 100, "only {} source files were found", found.len());
    found
}

/// Every Rust file of the project, tests too, by its path below the root.
pub(crate) fn rust_files() -> Vec<(String, String)> {
    let folders = ["src", "crates", "tests", "benches", "fuzz"].map(|folder| root().join(folder));
    let entries = folders.iter().filter(|folder| folder.exists()).flat_map(walkdir::WalkDir::new);
    let files = entries.map(Result::unwrap).filter(|entry| entry.path().extension().is_some_and(|end| end == "rs"));
    let named = |path: &Path| path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
    files.map(|entry| (named(entry.path()), fs::read_to_string(entry.path()).unwrap())).collect()
}

fn package(crate_name: &str, directory: &str) -> Vec<Source> {
    let base = root().join(directory);
    let files = walkdir::WalkDir::new(&base).into_iter().map(Result::unwrap);
    files
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "rs"))
        .map(|entry| read(crate_name, directory, entry.path().strip_prefix(&base).unwrap()))
        .collect()
}

fn read(crate_name: &str, directory: &str, relative: &Path) -> Source {
    let path: PathBuf = Path::new(directory).join(relative);
    let text = fs::read_to_string(root().join(&path)).unwrap();
    let mut module = vec![crate_name.to_owned()];
    module.extend(relative.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()));
    match module.last().map(String::as_str) {
        // The root of a package that has no library.
        Some("main") if !root().join(directory).join("lib.rs").exists() => drop(module.pop()),
        Some("main") => module[1] = "main".to_owned(),
        Some("lib" | "mod") => drop(module.pop()),
        _ => {}
    }
    let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut names = Names { depth: 0, imports: BTreeMap::new(), paths: Vec::new() };
    names.visit_file(&parsed);
    let Names { imports, paths, .. } = names;
    Source { path: path.to_str().unwrap().replace('\\', "/"), text, module, imports, paths }
}

/// Collects imports and paths.
struct Names {
    /// How many modules inside the file surround the place: that many `super` lead back to the file's own module.
    depth: usize,
    imports: BTreeMap<String, Vec<String>>,
    paths: Vec<Vec<String>>,
}

impl Names {
    fn add(&mut self, mut path: Vec<String>) {
        let supers = path.iter().take(self.depth).take_while(|segment| *segment == "super").count();
        path.drain(..supers);
        if supers > 0 && path.first().is_none_or(|segment| segment != "super") {
            path.insert(0, "self".to_owned());
        }
        self.paths.push(path);
    }

    fn use_tree(&mut self, tree: &syn::UseTree, prefix: &[String], is_public: bool) {
        let joined = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.use_tree(&path.tree, &joined(&path.ident), is_public),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.use_tree(tree, prefix, is_public)),
            syn::UseTree::Glob(_) => self.imported(None, prefix.to_vec(), is_public),
            syn::UseTree::Name(name) if name.ident == "self" => {
                self.imported(prefix.last().cloned(), prefix.to_vec(), is_public);
            }
            syn::UseTree::Name(name) => self.imported(Some(name.ident.to_string()), joined(&name.ident), is_public),
            syn::UseTree::Rename(rename) => {
                self.imported(Some(rename.rename.to_string()), joined(&rename.ident), is_public);
            }
        }
    }

    fn imported(&mut self, name: Option<String>, path: Vec<String>, is_public: bool) {
        // `pub use child::Item` presents a child; `pub use super::x`, `pub use crate::x` and private imports depend.
        let presents_a_child = is_public && !["crate", "super"].contains(&path[0].as_str());
        if !presents_a_child {
            self.add(path.clone());
        }
        if let (Some(name), 0) = (name, self.depth)
            && (presents_a_child || !is_public)
        {
            self.imports.insert(name, path);
        }
    }

    /// Paths from the crate's root or a parent in a macro's arguments, which `syn` leaves as tokens.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Ident(ident) if colons == 2 && !path.is_empty() => path.push(ident.to_string()),
                other => {
                    self.end_of_path(&mut path);
                    match other {
                        TokenTree::Ident(ident) => path.push(ident.to_string()),
                        TokenTree::Group(group) => self.tokens(group.stream()),
                        _ => {}
                    }
                }
            }
            colons = 0;
        }
        self.end_of_path(&mut path);
    }

    fn end_of_path(&mut self, path: &mut Vec<String>) {
        let path = std::mem::take(path);
        if path.len() > 1 {
            self.add(path);
        }
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Meta>().is_ok_and(|condition| condition.path().is_ident("test"))
    })
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.content.is_some() && !is_for_tests(&module.attrs) {
            self.depth += 1;
            visit::visit_item_mod(self, module);
            self.depth -= 1;
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_for_tests(&item.attrs) {
            self.use_tree(&item.tree, &[], !matches!(item.vis, syn::Visibility::Inherited));
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_impl(self, item);
        }
    }

    // The `super` of `pub(super)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.tokens(item.tokens.clone());
    }
}
