//! The modules of a crate and which file imports from which: every path is followed to the file that defines its target.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, Item, UseTree, Visibility,
    visit::{self, Visit},
};

/// A path of modules from the root of a crate, or of identifiers in a source.
pub type Segments = Vec<String>;

/// A crate without its tests.
#[derive(Default)]
pub struct Crate {
    modules: BTreeMap<Segments, Module>,
    /// The product files, with the module of each.
    pub files: BTreeMap<PathBuf, Segments>,
    /// The types that it defines, each with its file.
    pub types: Vec<(String, PathBuf)>,
}

#[derive(Default)]
struct Module {
    file: PathBuf,
    items: BTreeSet<String>,
    uses: Vec<Import>,
    paths: Vec<Segments>,
}

/// A leaf of a `use` declaration.
struct Import {
    path: Segments,
    /// The name in this module; `None` for a glob.
    name: Option<String>,
    is_reexport: bool,
}

impl Crate {
    /// Reads the crate in this folder below `crates`.
    pub fn read(folder: &Path) -> Self {
        let mut read = Self::default();
        let roots = ["src/lib.rs", "src/main.rs"].map(|root| folder.join(root));
        let root = roots.into_iter().find(|root| root.exists()).unwrap();
        let inner = root.parent().unwrap().to_owned();
        read.file(&root, &inner, Vec::new());
        read
    }

    fn file(&mut self, file: &Path, inner: &Path, module: Segments) {
        let text = fs::read_to_string(file).unwrap();
        let parsed = syn::parse_file(&text).unwrap();
        self.files.insert(file.to_owned(), module.clone());
        self.module(file, inner, module, parsed.items);
    }

    fn module(&mut self, file: &Path, inner: &Path, module: Segments, items: Vec<Item>) {
        let mut this = Module {
            file: file.to_owned(),
            ..Module::default()
        };
        for item in items {
            if is_test(attributes(&item)) {
                continue;
            }
            match item {
                Item::Mod(child) => {
                    let name = child.ident.to_string();
                    let mut path = module.clone();
                    path.push(name.clone());
                    let folder = inner.join(&name);
                    match child.content {
                        Some((_, items)) => self.module(file, &folder, path, items),
                        None => {
                            let places = [inner.join(format!("{name}.rs")), folder.join("mod.rs")];
                            let found = places.into_iter().find(|place| place.exists());
                            self.file(&found.unwrap(), &folder, path);
                        }
                    }
                }
                Item::Use(item) => {
                    let is_reexport = !matches!(item.vis, Visibility::Inherited);
                    leaves(&item.tree, Vec::new(), is_reexport, &mut this.uses);
                }
                item => {
                    if let Some((name, is_type)) = name(&item) {
                        if is_type {
                            self.types.push((name.clone(), file.to_owned()));
                        }
                        this.items.insert(name);
                    }
                    Paths(&mut this.paths).visit_item(&item);
                }
            }
        }
        self.modules.insert(module, this);
    }

    /// For each file, the files that define what it imports.
    pub fn imports(&self) -> HashMap<&Path, BTreeSet<&Path>> {
        let mut edges: HashMap<&Path, BTreeSet<&Path>> = HashMap::new();
        for (name, module) in &self.modules {
            let imports = module.uses.iter().filter(|import| !import.is_reexport);
            let imported = imports.map(|import| &import.path);
            let from = edges.entry(&module.file).or_default();
            for path in imported.chain(&module.paths) {
                let target = self.definition(name, path, &mut Vec::new());
                from.extend(target.filter(|file| *file != module.file));
            }
        }
        edges
    }

    /// The file that defines what a path in a module leads to; `None` for a module, a local name or another crate.
    fn definition<'a>(
        &'a self,
        module: &[String],
        path: &[String],
        open: &mut Vec<(Segments, Segments)>,
    ) -> Option<&'a Path> {
        match self.follow(module, path, open)? {
            Target::Module(_) => None,
            Target::Item(file) => Some(file),
        }
    }

    fn follow<'a>(
        &'a self,
        module: &[String],
        path: &[String],
        open: &mut Vec<(Segments, Segments)>,
    ) -> Option<Target<'a>> {
        let call = (module.to_vec(), path.to_vec());
        if open.contains(&call) {
            return None;
        }
        open.push(call);
        let mut at = Target::Module(module.to_vec());
        for segment in path {
            at = match at {
                // What follows an item is a variant, a constant or a function of a type.
                Target::Item(file) => return Some(Target::Item(file)),
                Target::Module(module) => match segment.as_str() {
                    "crate" => Target::Module(Vec::new()),
                    "self" => Target::Module(module),
                    "super" => Target::Module(module[..module.len().checked_sub(1)?].to_vec()),
                    name => self.member(&module, name, open)?,
                },
            };
        }
        Some(at)
    }

    fn member<'a>(
        &'a self,
        module: &[String],
        name: &str,
        open: &mut Vec<(Segments, Segments)>,
    ) -> Option<Target<'a>> {
        let this = self.modules.get(module)?;
        if this.items.contains(name) {
            return Some(Target::Item(&this.file));
        }
        let mut child = module.to_vec();
        child.push(name.to_owned());
        if self.modules.contains_key(&child) {
            return Some(Target::Module(child));
        }
        let named = this
            .uses
            .iter()
            .find(|import| import.name.as_deref() == Some(name));
        if let Some(import) = named {
            // `use serde_json::Value` in a module that has no `serde_json` leads to another crate.
            return self.follow(module, &import.path, open);
        }
        let globs = this.uses.iter().filter(|import| import.name.is_none());
        for import in globs {
            if let Some(Target::Module(from)) = self.follow(module, &import.path, open)
                && let Some(found) = self.member(&from, name, open)
            {
                return Some(found);
            }
        }
        None
    }
}

enum Target<'a> {
    Module(Segments),
    Item(&'a Path),
}

fn leaves(tree: &UseTree, mut path: Segments, is_reexport: bool, found: &mut Vec<Import>) {
    let name = match tree {
        UseTree::Path(inner) => {
            path.push(inner.ident.to_string());
            return leaves(&inner.tree, path, is_reexport, found);
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                leaves(tree, path.clone(), is_reexport, found);
            }
            return;
        }
        UseTree::Name(name) if name.ident == "self" => path.last().cloned(),
        UseTree::Name(name) => {
            path.push(name.ident.to_string());
            Some(name.ident.to_string())
        }
        UseTree::Rename(rename) => {
            path.push(rename.ident.to_string());
            Some(rename.rename.to_string())
        }
        UseTree::Glob(_) => None,
    };
    found.push(Import {
        path,
        name,
        is_reexport,
    });
}

/// Collects every path with more than one segment, inside macros as well.
struct Paths<'a>(&'a mut Vec<Segments>);

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Segments = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        if segments.len() > 1 {
            self.0.push(segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }
}

impl Paths<'_> {
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path = Segments::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.end(&mut path);
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                token => {
                    self.end(&mut path);
                    colons = 0;
                    if let TokenTree::Group(group) = token {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Segments) {
        if path.len() > 1 {
            self.0.push(std::mem::take(path));
        }
        path.clear();
    }
}

fn name(item: &Item) -> Option<(String, bool)> {
    let (ident, is_type) = match item {
        Item::Struct(item) => (&item.ident, true),
        Item::Enum(item) => (&item.ident, true),
        Item::Trait(item) => (&item.ident, true),
        Item::Type(item) => (&item.ident, true),
        Item::Union(item) => (&item.ident, true),
        Item::Fn(item) => (&item.sig.ident, false),
        Item::Const(item) => (&item.ident, false),
        Item::Static(item) => (&item.ident, false),
        Item::Macro(item) => (item.ident.as_ref()?, false),
        _ => return None,
    };
    Some((ident.to_string(), is_type))
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether an item is left out of the product: `#[cfg(test)]`.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && matches!(attribute.parse_args::<syn::Path>(), Ok(path) if path.is_ident("test"))
    })
}
