//! The graph as a self-contained SVG: resources in layers, dependencies above their dependents.
//!
//! Shapes show the family of a kind, which is also written; colors show the action of a plan, which is also a sign and
//! a word. Text widths are those of a monospaced font, so that they are right for each font of the stack.

use std::collections::{BTreeMap, HashMap};

use dagre::{
    EdgeLabel, LayoutOptions, NodeLabel, Point, RankDir, Ranker,
    graph::{Graph, GraphOptions},
    layout,
};

use lazuli_core::{facts::Family, kind::Registry};
use maud::{Markup, PreEscaped, html};

use super::{Diagram, DiagramNode, NodeChange};
use crate::render::{
    pluralize,
    style::{columns, wrap},
};

/// Names are wrapped at this many columns.
const LONGEST_LINE: usize = 30;
/// Reasons are truncated at this many columns; the tooltip has the full text.
const LONGEST_REASON: usize = 26;
/// The widths of a column of names, kinds and reasons at their font sizes.
const NAME_COLUMN: f64 = 8.0;
const KIND_COLUMN: f64 = 6.7;
const REASON_COLUMN: f64 = 6.1;
const LINE: f64 = 18.0;
const PADDING: f64 = 12.0;
/// The extra space of shapes that are not rectangles.
const BEYOND: f64 = 12.0;
/// The width of the tab of a folder, and its height.
const TAB: f64 = 34.0;
const FOLD: f64 = 7.0;
/// Half the height of the lid of a cylinder.
const LID: f64 = 7.0;
/// The distance between the ends of edges at a shape, if there is room.
const PORT_GAP: f64 = 18.0;
const MARGIN: f64 = 24.0;
/// Up to this many resources, layers are optimized; beyond, they are computed fast.
const MOST_OPTIMIZED: usize = 400;

/// The style sheet, for light and dark color schemes.
pub(crate) const STYLE: &str = "
.background{fill:#fff}
.shape{fill:#f6f8fa;stroke:#57606a;stroke-width:1.5}
.existing .shape{stroke-dasharray:5 4}
.name,.kind,.why{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",\"Liberation Mono\",monospace;text-anchor:middle}
.name{font-size:13px;font-weight:600;fill:#1f2328}
.kind{font-size:11px;fill:#57606a}
.why{font-size:10px;fill:#57606a;stroke:#fff;stroke-width:4;paint-order:stroke;stroke-linejoin:round}
.legend{text-anchor:start}
.edge{fill:none;stroke:#8c959f;stroke-width:1.3}
.tip{fill:#8c959f}
.create .shape{stroke:#1a7f37;stroke-width:2.5}.create .name{fill:#1a7f37}
.adopt .shape,.update .shape,.release .shape{stroke:#9a6700;stroke-width:2.5}.adopt .name,.update .name,.release .name{fill:#7d4e00}
.replace .shape,.delete .shape{stroke:#cf222e;stroke-width:2.5}.replace .name,.delete .name{fill:#a40e26}
@media (prefers-color-scheme:dark){
.background{fill:#0d1117}
.shape{fill:#161b22;stroke:#8b949e}
.name{fill:#e6edf3}
.kind{fill:#9198a1}
.why{fill:#9198a1;stroke:#0d1117}
.edge{stroke:#6e7681}
.tip{fill:#6e7681}
.create .shape{stroke:#3fb950}.create .name{fill:#56d364}
.adopt .shape,.update .shape,.release .shape{stroke:#d29922}.adopt .name,.update .name,.release .name{fill:#e3b341}
.replace .shape,.delete .shape{stroke:#f85149}.replace .name,.delete .name{fill:#ff7b72}
}
";

/// The shape of a family: a folder for groups, a pill for identities, a cylinder for storage, a hexagon for access, a box
/// with cut corners for locks, and a box for the rest.
trait Outline {
    /// The outline around a center, as path data.
    fn outline(self, x: f64, y: f64, width: f64, height: f64) -> String;
    /// The distance of the outline from the top or bottom of the box, at a horizontal distance from the center.
    fn dent(self, aside: f64, width: f64, on_top: bool) -> f64;
    /// The width at either end where no edges meet the shape.
    fn inset(self, height: f64) -> f64;
}

impl Outline for Family {
    fn outline(self, x: f64, y: f64, width: f64, height: f64) -> String {
        let (left, right) = (x - width / 2.0, x + width / 2.0);
        let (top, bottom) = (y - height / 2.0, y + height / 2.0);
        match self {
            Self::Other => polygon(&[(left, top), (right, top), (right, bottom), (left, bottom)]),
            Self::Group => {
                let (tab, fold) = (left + TAB, top + FOLD);
                polygon(&[
                    (left, top),
                    (tab, top),
                    (tab + FOLD, fold),
                    (right, fold),
                    (right, bottom),
                    (left, bottom),
                ])
            }
            Self::Identity => {
                let round = height / 2.0;
                let (from, to) = (left + round, right - round);
                format!(
                    "M{from:.1} {top:.1}H{to:.1}A{round:.1} {round:.1} 0 0 1 {to:.1} {bottom:.1}H{from:.1}A{round:.1} \
                     {round:.1} 0 0 1 {from:.1} {top:.1}Z"
                )
            }
            Self::Storage => {
                let half = width / 2.0;
                let (upper, lower) = (top + LID, bottom - LID);
                format!(
                    "M{left:.1} {upper:.1}A{half:.1} {LID} 0 0 1 {right:.1} {upper:.1}V{lower:.1}A{half:.1} {LID} 0 0 1 \
                     {left:.1} {lower:.1}ZM{left:.1} {upper:.1}A{half:.1} {LID} 0 0 0 {right:.1} {upper:.1}"
                )
            }
            Self::Access => polygon(&[
                (left + BEYOND, top),
                (right - BEYOND, top),
                (right, y),
                (right - BEYOND, bottom),
                (left + BEYOND, bottom),
                (left, y),
            ]),
            Self::Lock => {
                let cut = 9.0;
                polygon(&[
                    (left + cut, top),
                    (right - cut, top),
                    (right, top + cut),
                    (right, bottom - cut),
                    (right - cut, bottom),
                    (left + cut, bottom),
                    (left, bottom - cut),
                    (left, top + cut),
                ])
            }
        }
    }

    fn dent(self, aside: f64, width: f64, on_top: bool) -> f64 {
        match self {
            Self::Storage => {
                let part = (aside / (width / 2.0)).clamp(-1.0, 1.0);
                LID * (1.0 - (1.0 - part * part).sqrt())
            }
            Self::Group if on_top && aside + width / 2.0 > TAB => FOLD,
            _ => 0.0,
        }
    }

    fn inset(self, height: f64) -> f64 {
        match self {
            Self::Identity => height / 2.0,
            Self::Access => BEYOND,
            _ => PADDING,
        }
    }
}

fn polygon(points: &[(f64, f64)]) -> String {
    let points: Vec<String> = points
        .iter()
        .map(|(x, y)| format!("{x:.1} {y:.1}"))
        .collect();
    format!("M{}Z", points.join("L"))
}

/// A resource with the size of its shape.
struct NodeShape<'d> {
    node: &'d DiagramNode,
    family: Family,
    /// The name, wrapped.
    lines: Vec<String>,
    /// The kind, with remarks.
    kind: String,
    width: f64,
    height: f64,
}

impl<'d> NodeShape<'d> {
    fn new(node: &'d DiagramNode, family: Family) -> Self {
        let mut lines = wrap(&node.name, LONGEST_LINE);
        if let (Some(change), Some(first)) = (node.change, lines.first_mut()) {
            first.insert_str(0, &format!("{} ", change.sign()));
        }
        let mut kind = node.kind.clone();
        if node.is_existing {
            kind.push_str(" (existing)");
        }
        if let Some(change) = node.change {
            kind.push_str(&format!(": {}", change.word()));
        }
        let widest = lines.iter().map(|line| columns(line)).max().unwrap_or(0);
        let text = (widest as f64 * NAME_COLUMN).max(columns(&kind) as f64 * KIND_COLUMN);
        let (horizontal, above) = match family {
            Family::Identity | Family::Access => (BEYOND, 0.0),
            Family::Storage | Family::Group => (0.0, BEYOND),
            Family::Lock | Family::Other => (0.0, 0.0),
        };
        Self {
            node,
            family,
            width: text + 2.0 * (PADDING + horizontal),
            height: (lines.len() + 1) as f64 * LINE + PADDING + above,
            lines,
            kind,
        }
    }

    fn draw(&self, (x, y): (f64, f64)) -> Markup {
        let mut classes = vec!["node"];
        if self.node.is_existing {
            classes.push("existing");
        }
        classes.extend(self.node.change.map(NodeChange::word));
        // The lid of a cylinder and the tab of a folder move the text down.
        let down = match self.family {
            Family::Storage => 5.0,
            Family::Group => 3.0,
            _ => 0.0,
        };
        let first = y + down - (self.lines.len() as f64) * LINE / 2.0 + 4.5;
        let last = first + self.lines.len() as f64 * LINE - 1.0;
        let outline = self.family.outline(x, y, self.width, self.height);
        let x = coordinate(x);
        let shape = html! {
            g class=(classes.join(" ")) {
                path class="shape" d=(outline) {}
                @for (at, line) in self.lines.iter().enumerate() {
                    text class="name" x=(x) y=(coordinate(first + at as f64 * LINE)) { (line) }
                }
                text class="kind" x=(x) y=(coordinate(last)) { (self.kind) }
            }
        };
        html! {
            @match &self.node.link {
                None => (shape),
                Some(link) => a href=(link) { (shape) },
            }
            "\n"
        }
    }
}

fn coordinate(value: f64) -> String {
    format!("{value:.1}")
}

/// The reasons of an edge, short for the drawing and long for the tooltip.
#[derive(Debug, Default)]
struct EdgeReason {
    short: String,
    long: String,
}

impl EdgeReason {
    fn add(&mut self, short: &str, long: &str) {
        for (all, one, separator) in [(&mut self.short, short, ", "), (&mut self.long, long, "; ")]
        {
            if !all.is_empty() {
                all.push_str(separator);
            }
            all.push_str(one);
        }
    }

    /// The short text, truncated to the space in the drawing.
    fn to_label(&self) -> String {
        match columns(&self.short) > LONGEST_REASON {
            true => wrap(&self.short, LONGEST_REASON - 1).swap_remove(0) + "…",
            false => self.short.clone(),
        }
    }
}

/// The positions of a dependent and its dependency.
type EdgeKey = (usize, usize);

/// The positions of shapes and edges.
struct DiagramLayout<'d> {
    shapes: Vec<NodeShape<'d>>,
    reasons: BTreeMap<EdgeKey, EdgeReason>,
    graph: Graph<NodeLabel, EdgeLabel>,
    /// The edges at the top (`true`) and bottom of each shape, from left to right.
    sides: HashMap<(usize, bool), Vec<EdgeKey>>,
}

impl<'d> DiagramLayout<'d> {
    fn new(diagram: &'d Diagram, registry: Registry) -> Self {
        let shape = |node: &'d DiagramNode| NodeShape::new(node, registry.family(&node.kind));
        let shapes: Vec<NodeShape<'_>> = diagram.nodes.iter().map(shape).collect();
        let mut reasons: BTreeMap<EdgeKey, EdgeReason> = BTreeMap::new();
        for (from, dependency) in diagram.edges() {
            let reason = reasons.entry((from, dependency.on)).or_default();
            reason.add(&dependency.short, &dependency.long);
        }
        let mut graph = Graph::with_options(GraphOptions {
            directed: true,
            multigraph: false,
            compound: false,
        });
        for (at, shape) in shapes.iter().enumerate() {
            let label = NodeLabel {
                width: shape.width,
                height: shape.height,
                ..NodeLabel::default()
            };
            graph.set_node(at.to_string(), Some(label));
        }
        for ((from, to), reason) in &reasons {
            let label = EdgeLabel {
                width: columns(&reason.to_label()) as f64 * REASON_COLUMN + 8.0,
                height: 14.0,
                labelpos: dagre::layout::types::LabelPos::Center,
                ..EdgeLabel::default()
            };
            graph.set_edge(from.to_string(), to.to_string(), Some(label), None);
        }
        let ranker = match shapes.len() <= MOST_OPTIMIZED {
            true => Ranker::NetworkSimplex,
            false => Ranker::LongestPath,
        };
        let options = LayoutOptions {
            rankdir: RankDir::BT,
            nodesep: 28.0,
            edgesep: 14.0,
            ranksep: 40.0,
            marginx: MARGIN,
            marginy: MARGIN,
            ranker,
            ..LayoutOptions::default()
        };
        if !shapes.is_empty() {
            layout(&mut graph, Some(options));
        }
        let mut layout = Self {
            shapes,
            reasons,
            graph,
            sides: HashMap::new(),
        };
        layout.sides = layout.sort_edges();
        layout
    }

    /// The center of a shape. The layout sets it for every node.
    fn center(&self, at: usize) -> (f64, f64) {
        let node = self.graph.node(&at.to_string());
        let center = node.and_then(|node| Some((node.x?, node.y?)));
        center.unwrap_or((0.0, 0.0))
    }

    fn edge(&self, from: usize, to: usize) -> Option<&EdgeLabel> {
        self.graph.edge(&from.to_string(), &to.to_string(), None)
    }

    /// The points of an edge: the top of the dependent, the bends of the layout, the bottom of the dependency.
    fn points(&self, from: usize, to: usize) -> Vec<Point> {
        let mut points = vec![self.port(from, (from, to), true)];
        points.extend_from_slice(self.bends(from, to));
        points.push(self.port(to, (from, to), false));
        points
    }

    /// The points of an edge without its ends.
    fn bends(&self, from: usize, to: usize) -> &[Point] {
        match self.edge(from, to).map(|edge| edge.points.as_slice()) {
            Some([_, bends @ .., _]) => bends,
            _ => &[],
        }
    }

    /// The point where an edge meets a shape. The edges of a side are spread around its center.
    fn port(&self, at: usize, edge: EdgeKey, on_top: bool) -> Point {
        let (x, y) = self.center(at);
        let Some(shape) = self.shapes.get(at) else {
            return Point::new(x, y);
        };
        let edges = self.sides.get(&(at, on_top)).map_or(&[][..], Vec::as_slice);
        let own = edges.iter().position(|other| *other == edge);
        let gaps = edges.len().saturating_sub(1).max(1) as f64;
        let room = shape.width - 2.0 * shape.family.inset(shape.height);
        let step = PORT_GAP.min(room / gaps);
        let aside = (own.unwrap_or(0) as f64 - (edges.len().saturating_sub(1)) as f64 / 2.0) * step;
        let dent = shape.family.dent(aside, shape.width, on_top);
        let half = shape.height / 2.0 - dent;
        Point::new(x + aside, if on_top { y - half } else { y + half })
    }

    /// Sorts the edges of each side by the direction that they come from.
    fn sort_edges(&self) -> HashMap<(usize, bool), Vec<EdgeKey>> {
        let mut sides: HashMap<(usize, bool), Vec<(f64, EdgeKey)>> = HashMap::new();
        for (from, to) in self.reasons.keys().copied() {
            let bends = self.bends(from, to);
            let towards = |bend: Option<&Point>, other: usize| {
                bend.map_or_else(|| self.center(other).0, |bend| bend.x)
            };
            for (side, towards) in [
                ((from, true), towards(bends.first(), to)),
                ((to, false), towards(bends.last(), from)),
            ] {
                sides.entry(side).or_default().push((towards, (from, to)));
            }
        }
        let sorted = sides.into_iter().map(|(side, mut edges)| {
            edges.sort_by(|one, two| one.0.total_cmp(&two.0).then(one.1.cmp(&two.1)));
            (side, edges.into_iter().map(|(_, edge)| edge).collect())
        });
        sorted.collect()
    }

    /// The right and bottom ends of shapes and edges.
    fn size(&self) -> (f64, f64) {
        let mut size: (f64, f64) = (0.0, 0.0);
        let mut reach = |x: f64, y: f64| size = (size.0.max(x), size.1.max(y));
        for (at, shape) in self.shapes.iter().enumerate() {
            let (x, y) = self.center(at);
            reach(x + shape.width / 2.0, y + shape.height / 2.0);
        }
        for (from, to) in self.reasons.keys() {
            let Some(edge) = self.edge(*from, *to) else {
                continue;
            };
            for point in &edge.points {
                reach(point.x, point.y);
            }
            reach(edge.x.unwrap_or(0.0) + edge.width / 2.0, 0.0);
        }
        size
    }
}

/// Draws an SVG file.
pub(super) fn draw_document(diagram: &Diagram, registry: Registry) -> String {
    let style = html! { style { (PreEscaped(STYLE)) } "\n" };
    draw(diagram, registry, "img", &style).into_string() + "\n"
}

/// Draws an element of a page that contains [`STYLE`].
pub(super) fn draw_figure(diagram: &Diagram, registry: Registry) -> Markup {
    draw(diagram, registry, "group", &Markup::default())
}

fn draw(diagram: &Diagram, registry: Registry, role: &str, style: &Markup) -> Markup {
    let layout = DiagramLayout::new(diagram, registry);
    let (right, bottom) = layout.size();
    let changes = diagram.changes();
    let width = right.max(changes.len() as f64 * LEGEND_STEP) + MARGIN;
    let margins = if changes.is_empty() { 1.0 } else { 2.0 };
    let height = bottom + margins * MARGIN;
    let view_box = format!("0 0 {width:.0} {height:.0}");
    let title = pluralize(diagram.nodes.len(), "resource") + " and their dependencies";
    html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(format!("{width:.0}")) height=(format!("{height:.0}"))
            viewBox=(view_box) role=(role) aria-labelledby="title"
        {
            "\n" title id="title" { (title) } "\n"
            (style)
            rect class="background" width="100%" height="100%" {} "\n"
            defs {
                marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto" {
                    path class="tip" d="M0 1L10 5L0 9Z" {}
                }
            }
            "\n"
            @for ((from, to), reason) in &layout.reasons {
                g {
                    title { (diagram.name(*from)) " depends on " (diagram.name(*to)) ": " (reason.long) }
                    path class="edge" marker-end="url(#tip)" d=(curve(&layout.points(*from, *to))) {}
                }
                "\n"
            }
            @for (at, shape) in layout.shapes.iter().enumerate() {
                (shape.draw(layout.center(at)))
            }
            // Reasons cover the edges that cross them.
            @for ((from, to), reason) in &layout.reasons {
                (draw_reason(reason, layout.edge(*from, *to)))
            }
            (draw_legend(&changes, bottom + MARGIN))
        }
    }
}

fn draw_reason(reason: &EdgeReason, edge: Option<&EdgeLabel>) -> Markup {
    let center = edge.and_then(|edge| Some((edge.x?, edge.y?)));
    html! {
        @if let Some((x, y)) = center {
            text class="why" x=(coordinate(x)) y=(coordinate(y + 3.5)) {
                title { (reason.long) }
                (reason.to_label())
            }
            "\n"
        }
    }
}

/// The width of an item of the legend.
const LEGEND_STEP: f64 = 112.0;

/// What the signs mean.
fn draw_legend(changes: &[NodeChange], y: f64) -> Markup {
    html! {
        @for (at, change) in changes.iter().enumerate() {
            g class=(change.word()) {
                text class="name legend" x=(coordinate(MARGIN + at as f64 * LEGEND_STEP)) y=(coordinate(y)) {
                    (change.sign()) " " (change.word())
                }
            }
            "\n"
        }
    }
}

/// The path data of a curve through points, vertical at each of them.
fn curve(points: &[Point]) -> String {
    let Some(first) = points.first() else {
        return String::new();
    };
    let mut path = format!("M{:.1} {:.1}", first.x, first.y);
    for pair in points.windows(2) {
        if let [from, to] = pair {
            let middle = (from.y + to.y) / 2.0;
            path.push_str(&format!(
                "C{:.1} {middle:.1} {:.1} {middle:.1} {:.1} {:.1}",
                from.x, to.x, to.x, to.y
            ));
        }
    }
    path
}

#[cfg(test)]
mod tests;
