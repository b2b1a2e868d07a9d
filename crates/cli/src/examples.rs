//! The examples at the end of the help of each command.

/// Lines below a heading that looks like those of clap.
macro_rules! examples {
    ($($line:literal)+) => {
        concat!("\x1b[1m\x1b[4mExamples:\x1b[0m", $("\n  ", $line),+)
    };
}

pub(crate) const INIT: &str = examples! {
    "lazuli init shop                     ask, and write shop/stack.yaml"
    "lazuli init shop --kind videoIndexer --yes"
};
pub(crate) const VALIDATE: &str = examples! {
    "lazuli validate stacks               every spec below the directory"
    "lazuli validate stack.yaml --params-file prod.params.yaml"
};
pub(crate) const PLAN: &str = examples! {
    "lazuli plan stack.yaml --cloud sim   on the simulator, without Azure"
    "lazuli plan stacks --detailed-exitcode"
    "lazuli plan stacks --out plan.json   to be looked at and applied later"
    "lazuli plan stacks --prune           with what nobody wants any more"
};
pub(crate) const APPLY: &str = examples! {
    "lazuli apply stack.yaml              show the plan, ask, and do it"
    "lazuli apply plan.json --yes         a saved plan, exactly"
    "lazuli apply stacks --target recordings --yes"
    "lazuli apply stacks --allow-replace recordings"
};
pub(crate) const DESTROY: &str = examples! {
    "lazuli destroy stack.yaml            show what goes, ask, delete it"
    "lazuli destroy stack.yaml --target recordings"
};
pub(crate) const SHOW: &str = examples! {
    "lazuli show stacks                   with the entry of each resource"
    "lazuli show --stack cameras --subscription GUID"
};
pub(crate) const EXPORT: &str = examples! {
    "lazuli export --resource-group rg-shop > stack.yaml"
    "lazuli export --resource-group rg-shop --stack shop --out shop/stack.yaml"
};
pub(crate) const GRAPH: &str = examples! {
    "lazuli graph stack.yaml"
    "lazuli graph stack.yaml --plan --format svg > graph.svg"
};
pub(crate) const EXPLAIN: &str = examples! {
    "lazuli explain                       the kinds"
    "lazuli explain storageAccount.sku    a property"
    "lazuli explain LZ0016                the code of an error"
    "lazuli explain ScopeLocked           a code of Azure"
};
pub(crate) const ROLES: &str = examples! {
    "lazuli roles blob data               by words of a name"
    "lazuli roles blobs/read              by what they allow"
    "lazuli roles --live --actions        all of them, as Azure tells"
};
pub(crate) const SCHEMA: &str = examples! {
    "lazuli schema > lazuli.schema.json   of specs, for an editor"
    "lazuli schema plan                   of `plan --output json`"
};
pub(crate) const SIM_SERVE: &str = examples! {
    "lazuli sim serve shop                it prints what to set elsewhere"
    "lazuli sim serve --in-memory --max-delay 0 --port 0"
};
pub(crate) const SIM_RESET: &str = examples! {
    "lazuli sim reset shop"
    "lazuli sim reset shop --caller reader"
};
pub(crate) const SIM_REQUEST: &str = examples! {
    "id=/subscriptions/00000000-0000-0000-0000-0000000a2c05"
    "lazuli sim request GET \"$id/resourceGroups?api-version=2025-04-01\""
};
pub(crate) const DOCTOR: &str = examples! {
    "lazuli doctor"
    "lazuli doctor --auth azure-cli --subscription GUID"
};
pub(crate) const COMPLETIONS: &str = examples! {
    "lazuli completions bash > ~/.local/share/bash-completion/completions/lazuli"
    "lazuli completions fish > ~/.config/fish/completions/lazuli.fish"
};
pub(crate) const MAN: &str = examples! {
    "lazuli man man1 && man man1/lazuli-plan.1"
};
