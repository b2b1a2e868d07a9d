//! The drawing: resources in layers, what is made first on top, as SVG that needs nothing else to be looked at.
//!
//! The shape tells the family of a kind, which is also written; the colour what a plan does, which is also a sign and a
//! word. Widths of text are those of a monospaced font, so that they are right in any of the stack.

use std::collections::{BTreeMap, HashMap};

use dagre::{
    EdgeLabel, LayoutOptions, NodeLabel, Point, RankDir, Ranker,
    graph::{Graph, GraphOptions},
    layout,
};

use lazuli_core::{facts::Family, kind::Registry};

use super::{Drawing, Drawn, Fate};
use crate::render::{
    escape::escaped,
    style::{columns, wrap},
};

/// Names are broken at this many columns.
const LONGEST_LINE: usize = 30;
/// Reasons are cut at this many columns; the whole is their tooltip.
const LONGEST_REASON: usize = 26;
/// The width of a column of names, of what stands beneath them, and of reasons, at their sizes of the font.
const NAME_COLUMN: f64 = 8.0;
const KIND_COLUMN: f64 = 6.7;
const REASON_COLUMN: f64 = 6.1;
const LINE: f64 = 18.0;
const PADDING: f64 = 12.0;
/// How far the shapes that are not rectangles reach beyond their text.
const BEYOND: f64 = 12.0;
/// The tab of a folder, and how far the folder is below it.
const TAB: f64 = 34.0;
const FOLD: f64 = 7.0;
/// Half the height of the lid of a cylinder.
const LID: f64 = 7.0;
/// How far apart lines meet a shape, where there is room.
const APART: f64 = 18.0;
const MARGIN: f64 = 24.0;
/// Up to so many resources the layers are the best ones; beyond, those that are found fast.
const FEW: usize = 400;

/// How a drawing looks, in the light and in the dark.
pub(crate) const STYLE: &str = "
.ground{fill:#fff}
.shape{fill:#f6f8fa;stroke:#57606a;stroke-width:1.5}
.existing .shape{stroke-dasharray:5 4}
.name,.kind,.why{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",\"Liberation Mono\",monospace;text-anchor:middle}
.name{font-size:13px;font-weight:600;fill:#1f2328}
.kind{font-size:11px;fill:#57606a}
.why{font-size:10px;fill:#57606a;stroke:#fff;stroke-width:4;paint-order:stroke;stroke-linejoin:round}
.legend{text-anchor:start}
.wait{fill:none;stroke:#8c959f;stroke-width:1.3}
.tip{fill:#8c959f}
.create .shape{stroke:#1a7f37;stroke-width:2.5}.create .name{fill:#1a7f37}
.adopt .shape,.update .shape,.release .shape{stroke:#9a6700;stroke-width:2.5}.adopt .name,.update .name,.release .name{fill:#7d4e00}
.replace .shape,.delete .shape{stroke:#cf222e;stroke-width:2.5}.replace .name,.delete .name{fill:#a40e26}
@media (prefers-color-scheme:dark){
.ground{fill:#0d1117}
.shape{fill:#161b22;stroke:#8b949e}
.name{fill:#e6edf3}
.kind{fill:#9198a1}
.why{fill:#9198a1;stroke:#0d1117}
.wait{stroke:#6e7681}
.tip{fill:#6e7681}
.create .shape{stroke:#3fb950}.create .name{fill:#56d364}
.adopt .shape,.update .shape,.release .shape{stroke:#d29922}.adopt .name,.update .name,.release .name{fill:#e3b341}
.replace .shape,.delete .shape{stroke:#f85149}.replace .name,.delete .name{fill:#ff7b72}
}
";

/// The shape of a family: a folder for groups, a pill for identities, a cylinder for storage, a hexagon for access, a box
/// with cut corners for locks, and a box for the rest.
trait Outline {
    /// The outline around a center, as the data of an SVG path.
    fn outline(self, x: f64, y: f64, width: f64, height: f64) -> String;
    /// How far the outline lies below the top or above the bottom at a distance from the center.
    fn dent(self, aside: f64, width: f64, on_top: bool) -> f64;
    /// The part of the width at either end that edges stay away from.
    fn inset(self, height: f64) -> f64;
}

impl Outline for Family {
    fn outline(self, x: f64, y: f64, width: f64, height: f64) -> String {
        let (left, right) = (x - width / 2.0, x + width / 2.0);
        let (top, bottom) = (y - height / 2.0, y + height / 2.0);
        match self {
            Self::Other => corners(&[(left, top), (right, top), (right, bottom), (left, bottom)]),
            Self::Group => {
                let (tab, fold) = (left + TAB, top + FOLD);
                corners(&[
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
            Self::Access => corners(&[
                (left + BEYOND, top),
                (right - BEYOND, top),
                (right, y),
                (right - BEYOND, bottom),
                (left + BEYOND, bottom),
                (left, y),
            ]),
            Self::Lock => {
                let cut = 9.0;
                corners(&[
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

fn corners(points: &[(f64, f64)]) -> String {
    let points: Vec<String> = points
        .iter()
        .map(|(x, y)| format!("{x:.1} {y:.1}"))
        .collect();
    format!("M{}Z", points.join("L"))
}

/// A resource and the room that its text takes.
struct Shape<'d> {
    node: &'d Drawn,
    family: Family,
    lines: Vec<String>,
    /// The kind and what else is to be said of it.
    beneath: String,
    width: f64,
    height: f64,
}

impl<'d> Shape<'d> {
    fn new(node: &'d Drawn, family: Family) -> Self {
        let lines = wrap(&node.marked(false), LONGEST_LINE);
        let mut beneath = node.kind.clone();
        if node.is_existing {
            beneath.push_str(" (existing)");
        }
        if let Some(fate) = node.fate {
            beneath.push_str(&format!(": {}", fate.word()));
        }
        let widest = lines.iter().map(|line| columns(line)).max().unwrap_or(0);
        let text = (widest as f64 * NAME_COLUMN).max(columns(&beneath) as f64 * KIND_COLUMN);
        let (beyond, above) = match family {
            Family::Identity | Family::Access => (BEYOND, 0.0),
            Family::Storage | Family::Group => (0.0, BEYOND),
            Family::Lock | Family::Other => (0.0, 0.0),
        };
        Self {
            node,
            family,
            width: text + 2.0 * (PADDING + beyond),
            height: (lines.len() + 1) as f64 * LINE + PADDING + above,
            lines,
            beneath,
        }
    }

    fn draw(&self, x: f64, y: f64) -> String {
        let mut classes = vec!["node"];
        if self.node.is_existing {
            classes.push("existing");
        }
        classes.extend(self.node.fate.map(Fate::word));
        let mut text = format!(
            "<g class=\"{}\"><path class=\"shape\" d=\"{}\"/>",
            classes.join(" "),
            self.family.outline(x, y, self.width, self.height)
        );
        // The lid of a cylinder and the tab of a folder move the text down.
        let down = match self.family {
            Family::Storage => 5.0,
            Family::Group => 3.0,
            _ => 0.0,
        };
        let first = y + down - (self.lines.len() as f64) * LINE / 2.0 + 4.5;
        for (at, line) in self.lines.iter().enumerate() {
            let y = first + at as f64 * LINE;
            text.push_str(&format!(
                "<text class=\"name\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
                escaped(line)
            ));
        }
        let y = first + self.lines.len() as f64 * LINE - 1.0;
        text.push_str(&format!(
            "<text class=\"kind\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text></g>",
            escaped(&self.beneath)
        ));
        match &self.node.link {
            None => text + "\n",
            Some(link) => format!("<a href=\"{}\">{text}</a>\n", escaped(link)),
        }
    }
}

/// Why one waits for another, in a word or two, and at length.
struct Reason {
    short: String,
    long: String,
}

impl Reason {
    fn of(whys: &[&str]) -> Self {
        let short: Vec<&str> = whys.iter().map(|why| in_short(why)).collect();
        let mut short = short.join(", ");
        if columns(&short) > LONGEST_REASON {
            short = wrap(&short, LONGEST_REASON - 1).swap_remove(0) + "…";
        }
        Self {
            short,
            long: whys.join("; "),
        }
    }
}

/// The graph's own reasons in a word; a handler's as they are.
fn in_short(why: &str) -> &str {
    match why {
        "it is in or on it" => "in",
        "dependsOn names it" => "dependsOn",
        why => {
            let named = why
                .strip_suffix("` refers to it")
                .and_then(|rest| rest.strip_prefix('`'));
            // Of a path, the last name.
            named.map_or(why, |path| path.rsplit('.').next().unwrap_or(path))
        }
    }
}

/// Who waits, and for whom.
type Line = (usize, usize);

/// The layout and what it is of.
struct Plane<'d> {
    shapes: Vec<Shape<'d>>,
    reasons: BTreeMap<Line, Reason>,
    graph: Graph<NodeLabel, EdgeLabel>,
    /// The lines that meet a shape at its top, or at its bottom, from left to right.
    sides: HashMap<(usize, bool), Vec<Line>>,
}

impl<'d> Plane<'d> {
    fn of(drawing: &'d Drawing, registry: Registry) -> Self {
        let shapes: Vec<Shape<'_>> = drawing
            .nodes
            .iter()
            .map(|node| Shape::new(node, registry.family(&node.kind)))
            .collect();
        let mut whys: BTreeMap<(usize, usize), Vec<&str>> = BTreeMap::new();
        for (from, to, why) in drawing.edges() {
            whys.entry((from, to)).or_default().push(why);
        }
        let reasons: BTreeMap<_, _> = whys
            .into_iter()
            .map(|(pair, whys)| (pair, Reason::of(&whys)))
            .collect();
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
                width: columns(&reason.short) as f64 * REASON_COLUMN + 8.0,
                height: 14.0,
                labelpos: dagre::layout::types::LabelPos::Center,
                ..EdgeLabel::default()
            };
            graph.set_edge(from.to_string(), to.to_string(), Some(label), None);
        }
        let ranker = match shapes.len() <= FEW {
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
        let mut plane = Self {
            shapes,
            reasons,
            graph,
            sides: HashMap::new(),
        };
        plane.sides = plane.sides();
        plane
    }

    fn place(&self, at: usize) -> (f64, f64) {
        let node = self.graph.node(&at.to_string());
        let place = node.and_then(|node| Some((node.x?, node.y?)));
        place.unwrap_or_default()
    }

    fn edge(&self, from: usize, to: usize) -> Option<&EdgeLabel> {
        self.graph.edge(&from.to_string(), &to.to_string(), None)
    }

    /// The points that a line goes through: from the top of who waits, by the bends of the layout, to the bottom of what
    /// is waited for.
    fn course(&self, from: usize, to: usize) -> Vec<Point> {
        let bends = self.bends(from, to);
        let start = self.port(from, (from, to), true);
        let end = self.port(to, (from, to), false);
        let mut course = vec![start];
        course.extend_from_slice(bends);
        course.push(end);
        course
    }

    /// The bends of a line, without its ends.
    fn bends(&self, from: usize, to: usize) -> &[Point] {
        match self.edge(from, to).map(|edge| edge.points.as_slice()) {
            Some([_, bends @ .., _]) => bends,
            _ => &[],
        }
    }

    /// Where a line meets a shape: all lines of a side stand side by side, in the order of where they come from.
    fn port(&self, at: usize, line: Line, on_top: bool) -> Point {
        let (x, y) = self.place(at);
        let Some(shape) = self.shapes.get(at) else {
            return Point::new(x, y);
        };
        let lines = self.sides.get(&(at, on_top)).map_or(&[][..], Vec::as_slice);
        let own = lines.iter().position(|pair| *pair == line);
        let gaps = lines.len().saturating_sub(1).max(1) as f64;
        let room = shape.width - 2.0 * shape.family.inset(shape.height);
        let step = APART.min(room / gaps);
        let aside = (own.unwrap_or(0) as f64 - (lines.len().saturating_sub(1)) as f64 / 2.0) * step;
        let dent = shape.family.dent(aside, shape.width, on_top);
        let half = shape.height / 2.0 - dent;
        Point::new(x + aside, if on_top { y - half } else { y + half })
    }

    /// The lines at the top and at the bottom of every shape, from left to right.
    fn sides(&self) -> HashMap<(usize, bool), Vec<Line>> {
        let mut sides: HashMap<(usize, bool), Vec<(f64, Line)>> = HashMap::new();
        for (from, to) in self.reasons.keys().copied() {
            let bends = self.bends(from, to);
            let towards = |bend: Option<&Point>, other: usize| {
                bend.map_or_else(|| self.place(other).0, |bend| bend.x)
            };
            for (side, towards) in [
                ((from, true), towards(bends.first(), to)),
                ((to, false), towards(bends.last(), from)),
            ] {
                sides.entry(side).or_default().push((towards, (from, to)));
            }
        }
        let sorted = sides.into_iter().map(|(side, mut lines)| {
            lines.sort_by(|one, two| one.0.total_cmp(&two.0).then(one.1.cmp(&two.1)));
            (side, lines.into_iter().map(|(_, line)| line).collect())
        });
        sorted.collect()
    }

    /// How far to the right and down anything reaches.
    fn size(&self) -> (f64, f64) {
        let mut size: (f64, f64) = (0.0, 0.0);
        let mut reach = |x: f64, y: f64| size = (size.0.max(x), size.1.max(y));
        for (at, shape) in self.shapes.iter().enumerate() {
            let (x, y) = self.place(at);
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

/// The drawing as a document of its own.
pub(super) fn svg(drawing: &Drawing, registry: Registry) -> String {
    drawn(
        drawing,
        registry,
        "img",
        &format!("<style>{STYLE}</style>\n"),
    )
}

/// The drawing as a part of a page that has its style, and in which resources can be links.
pub(super) fn figure(drawing: &Drawing, registry: Registry) -> String {
    drawn(drawing, registry, "group", "")
}

fn drawn(drawing: &Drawing, registry: Registry, role: &str, style: &str) -> String {
    let plane = Plane::of(drawing, registry);
    let (right, bottom) = plane.size();
    let legend = legend(drawing, bottom + MARGIN);
    let wide = match legend.is_empty() {
        true => right,
        false => right.max(drawing.fates().len() as f64 * LEGEND_STEP),
    };
    let width = wide + MARGIN;
    let height = bottom
        + if legend.is_empty() {
            MARGIN
        } else {
            2.0 * MARGIN
        };
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} \
         {height:.0}\" role=\"{role}\" aria-labelledby=\"title\">\n<title id=\"title\">{} and what each waits for</title>\n\
         {style}<rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n\
         <defs><marker id=\"tip\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" \
         orient=\"auto\"><path class=\"tip\" d=\"M0 1L10 5L0 9Z\"/></marker></defs>\n",
        crate::render::count(drawing.nodes.len(), "resource")
    );
    for ((from, to), reason) in &plane.reasons {
        if plane.edge(*from, *to).is_some() {
            let name = |at: &usize| drawing.nodes.get(*at).map_or("", |node| &node.name);
            text.push_str(&format!(
                "<g><title>{} waits for {}: {}</title><path class=\"wait\" marker-end=\"url(#tip)\" d=\"{}\"/></g>\n",
                escaped(name(from)),
                escaped(name(to)),
                escaped(&reason.long),
                line(&plane.course(*from, *to))
            ));
        }
    }
    for (at, shape) in plane.shapes.iter().enumerate() {
        let (x, y) = plane.place(at);
        text.push_str(&shape.draw(x, y));
    }
    // Reasons stand above lines that pass beneath them.
    for ((from, to), reason) in &plane.reasons {
        if let Some((x, y)) = plane
            .edge(*from, *to)
            .and_then(|edge| Some((edge.x?, edge.y?)))
        {
            text.push_str(&format!(
                "<text class=\"why\" x=\"{x:.1}\" y=\"{:.1}\"><title>{}</title>{}</text>\n",
                y + 3.5,
                escaped(&reason.long),
                escaped(&reason.short)
            ));
        }
    }
    text + &legend + "</svg>\n"
}

const LEGEND_STEP: f64 = 112.0;

/// What the signs mean, where there are signs.
fn legend(drawing: &Drawing, y: f64) -> String {
    let mut text = String::new();
    for (at, fate) in drawing.fates().into_iter().enumerate() {
        let x = MARGIN + at as f64 * LEGEND_STEP;
        text.push_str(&format!(
            "<g class=\"{}\"><text class=\"name legend\" x=\"{x:.1}\" y=\"{y:.1}\">{} {}</text></g>\n",
            fate.word(),
            escaped(fate.sign()),
            fate.word()
        ));
    }
    text
}

/// A line through points, upright at each of them.
fn line(points: &[Point]) -> String {
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
