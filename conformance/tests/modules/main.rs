//! Which modules may name which: no cycles but those listed here, and no names of the layers above.
//!
//! A file that is a part of another module names that module as it likes, and is named by it: the two are one piece of
//! code that is too long for a file. That is no cycle here, unless one remains without those names.

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use petgraph::algo::tarjan_scc;
use petgraph::graph::DiGraph;

use source::{Imports, ROOT, Texts, imports, texts};

/// A crate as it ought to be.
struct Crate {
    name: &'static str,
    /// The modules of its root, the lowest layer first. A module names its own layer and those below.
    layers: &'static [&'static [&'static str]],
    /// Modules that form a cycle, by name, with the reason why they stay so.
    cycles: &'static [(&'static [&'static str], &'static str)],
}

const CRATES: [Crate; 3] = [
    Crate {
        name: "model",
        layers: &[
            // The vocabulary of calls and runs.
            &["index", "taxonomy", "call", "data", "waits"],
            &["kind", "settings", "ends", "run", "platform"],
            // The state, then what may happen in it.
            &["channel", "world", "act"],
            &["rule", "chapter"],
            &["rules", "step"],
            // Judging a run, and going through all of them.
            &["oracle"],
            &["explore", "simulate", "litmus", "verify", "worlds", "script"],
            &["text"],
            // What readers and programs get of it.
            &["asleep", "decide", "diagnosis", "draw"],
            &["render", "scenario", "system"],
            &["systems", "explorer"],
            &[ROOT],
        ],
        cycles: &[],
    },
    Crate {
        name: "backends",
        layers: &[
            &["channel"],
            &["sys"],
            &["memory", "port"],
            &[
                "pipe",
                "eventfd",
                "fifo",
                "file",
                "queue",
                "shared_memory",
                "tcp",
                "unix",
                "variable",
            ],
            // An actor finds its channels by name.
            &["troupe", ROOT],
        ],
        cycles: &[],
    },
    Crate {
        name: "conformance",
        layers: &[
            &["status", "stop", "trouble", "places"],
            &["scenario", "cases"],
            &["sequential", "export"],
            &["generate", "strace", "tell", "why"],
            // Real actors.
            &["look", "worker", "pool"],
            &["play", "runner", "solo", "troupe"],
            // What is done with them.
            &["replay", "bench", "compare"],
            &["campaign", "litmus"],
            &["report"],
            &["matrix"],
            &["suite", "program"],
            &[ROOT],
        ],
        cycles: &[],
    },
];

impl Crate {
    fn imports(&self) -> Imports {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
        let found = imports(&texts(&workspace.join(self.name).join("src")));
        assert!(found.len() > 20, "only {} modules in {}", found.len(), self.name);
        found
    }

    /// The layer of a module, from 0.
    fn layer(&self, module: &str) -> usize {
        let top = module.split("::").next().unwrap_or_default();
        let found = self.layers.iter().position(|layer| layer.contains(&top));
        found.unwrap_or_else(|| panic!("`{top}` of {} stands in no layer", self.name))
    }
}

/// The sets of modules of which each can be reached from each.
fn knots(imports: &Imports) -> Vec<BTreeSet<&str>> {
    let mut graph = DiGraph::<&str, ()>::new();
    let nodes: BTreeMap<&str, _> =
        imports.keys().map(|name| (name.as_str(), graph.add_node(name))).collect();
    for (from, named) in imports {
        for to in named {
            graph.add_edge(nodes[from.as_str()], nodes[to.as_str()], ());
        }
    }
    let names = |nodes: Vec<_>| nodes.into_iter().map(|node| graph[node]).collect();
    tarjan_scc(&graph).into_iter().filter(|nodes| nodes.len() > 1).map(names).collect()
}

/// Whether the module is a part of the other one.
fn is_part(name: &str, of: &str) -> bool {
    name.strip_prefix(of).is_some_and(|rest| rest.starts_with("::"))
}

/// Whether the modules are one and its parts, and form no cycle without what parts name of their whole.
fn is_one_module(knot: &BTreeSet<&str>, imports: &Imports) -> bool {
    let whole = knot.first().expect("a module");
    let within = knot.iter().map(|name| {
        let named = imports[*name].iter();
        let named = named.filter(|to| knot.contains(to.as_str()) && !is_part(name, to));
        ((*name).to_owned(), named.cloned().collect())
    });
    knot.iter().skip(1).all(|name| is_part(name, whole)) && knots(&within.collect()).is_empty()
}

fn cycles(imports: &Imports) -> Vec<BTreeSet<&str>> {
    knots(imports).into_iter().filter(|knot| !is_one_module(knot, imports)).collect()
}

/// What the modules of a cycle name of each other, a line each.
fn told(cycle: &BTreeSet<&str>, imports: &Imports) -> String {
    let line = |from: &&str| {
        let named = imports[*from].iter().map(String::as_str).filter(|to| cycle.contains(to));
        format!("  {from} names {}\n", named.collect::<Vec<_>>().join(", "))
    };
    cycle.iter().map(line).collect()
}

#[test]
fn modules_form_no_cycles_but_those_with_a_reason() {
    for of in &CRATES {
        let imports = of.imports();
        let found = cycles(&imports);
        let is_listed = |cycle: &&BTreeSet<&str>| {
            let listed = |names: &[&str]| names.iter().copied().collect::<BTreeSet<_>>() == **cycle;
            of.cycles.iter().any(|(names, reason)| listed(names) && !reason.is_empty())
        };
        let new: Vec<String> =
            found.iter().filter(|c| !is_listed(c)).map(|c| told(c, &imports)).collect();
        assert!(new.is_empty(), "cycles in {}:\n{}", of.name, new.join("\n"));
        assert_eq!(found.len(), of.cycles.len(), "a cycle of {} is open: list it no more", of.name);
    }
}

#[test]
fn modules_name_nothing_of_the_layers_above() {
    for of in &CRATES {
        let imports = of.imports();
        let names = imports.iter().flat_map(|(from, named)| named.iter().map(move |to| (from, to)));
        let up: Vec<_> = names.filter(|(from, to)| of.layer(from) < of.layer(to)).collect();
        assert!(up.is_empty(), "upwards in {}: {up:?}", of.name);
    }
}

/// A crate of these modules, each with its text.
fn made(modules: &[(&str, &str)]) -> Imports {
    let place = |name: &str| match name {
        ROOT => vec![],
        name => name.split("::").map(str::to_owned).collect(),
    };
    let texts: Texts =
        modules.iter().map(|(name, text)| (place(name), (*text).to_owned())).collect();
    imports(&texts)
}

/// The cycles of such a crate, in words.
fn cycles_of(modules: &[(&str, &str)]) -> Vec<String> {
    let imports = made(modules);
    cycles(&imports).into_iter().map(|cycle| Vec::from_iter(cycle).join(" ")).collect()
}

#[test]
fn a_name_is_found_wherever_code_stands() {
    for names_b in [
        "use crate::b::B;",
        "use crate::{c::C, b::{self, B}};",
        "use super::b as other;",
        "fn f() -> crate::b::B { todo!() }",
        "fn f() { assert!(crate::b::is_so()) }",
        "mod inner { use super::super::b::B; }",
        "#[cfg(test)] use crate::c::C; use crate::b::B;",
        // By what another module hands on.
        "use crate::B;",
        "use crate::c; fn f() { c::handed_on() }",
    ] {
        let root = (ROOT, "mod a; mod b; mod c; pub use b::B;");
        let c = ("c", "pub use crate::b::B as handed_on; pub struct C;");
        let named = &made(&[root, ("a", names_b), ("b", ""), c])["a"];
        assert!(named.contains("b"), "{names_b}: {named:?}");
    }
}

#[test]
fn comments_tests_other_crates_and_users_of_macros_name_nothing() {
    for names_none in [
        "//! [`crate::b`]\n/// `crate::b::B`\n// use crate::b::B;",
        "#[cfg(test)] mod tests { use crate::b::B; }",
        "#[cfg(test)]\nuse crate::b::B;\npub struct A;",
        "use other::b::B; fn f() -> ::b::B { b::B }",
        "macro_rules! m { () => { $crate::b::B } }",
        "const S: &str = \"crate::b::B\";",
    ] {
        let modules = [(ROOT, "mod a; mod b;"), ("a", names_none), ("b", "use crate::a::A;")];
        assert_eq!(cycles_of(&modules), Vec::<String>::new(), "{names_none}");
    }
}

#[test]
fn a_module_and_its_parts_are_one_but_parts_form_no_cycle() {
    let whole = ("a", "mod x; mod y; use x::X; fn f() { y::g() }");
    let root = (ROOT, "mod a; mod b;");
    let x = ("a::x", "use super::A;");
    let one = [root, whole, x, ("a::y", "use crate::a::A; use super::x::X;")];
    assert_eq!(cycles_of(&one), Vec::<String>::new());
    assert_eq!(made(&one)["a"], ["a::x", "a::y"].map(str::to_owned).into());
    let parts = [root, whole, ("a::x", "use super::y::Y;"), ("a::y", "use super::x::X;")];
    assert_eq!(cycles_of(&parts), ["a::x a::y"]);
    let around = [root, whole, ("a::x", "use crate::b::B;"), ("a::y", ""), ("b", "use crate::a;")];
    assert_eq!(cycles_of(&around), ["a a::x b"]);
}
