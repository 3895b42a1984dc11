//! A drawing of how figures grow with the number of events: one small chart for each, both axes logarithmic.

use std::fmt::Write;

use super::Step;
use super::queries::POLL;
use crate::statistics::figure;

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 180.0;
/// Around the lines, for what is written there.
const MARGIN: f64 = 34.0;
const COLUMNS: usize = 3;

type Figure = (&'static str, fn(&Step) -> f64);

const FIGURES: [Figure; 6] = [
    ("start, s", |step| step.start_seconds),
    ("memory of the program, MB", |step| step.program_megabytes),
    ("memory of PostgreSQL, MB", |step| step.postgres_megabytes),
    ("disk for each event, bytes", |step| step.disk_bytes),
    ("slowest list or search, p99 ms", slowest),
    ("audit poll without news, p50 ms", |step| step.queries.get(POLL).map_or(0.0, |poll| poll.p50_milliseconds)),
];

/// The p99 of the slowest list or search, in milliseconds.
pub(crate) fn slowest(step: &Step) -> f64 {
    let lists = step.queries.iter().filter(|(name, _)| *name != POLL);
    lists.map(|(_, latency)| latency.p99_milliseconds).fold(0.0, f64::max)
}

pub(super) fn svg(steps: &[Step]) -> String {
    let rows = FIGURES.len().div_ceil(COLUMNS);
    let (width, height) = (WIDTH * COLUMNS as f64, HEIGHT * rows as f64);
    let mut drawing = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    for (place, (title, of)) in FIGURES.iter().enumerate() {
        let (x, y) = ((place % COLUMNS) as f64 * WIDTH, (place / COLUMNS) as f64 * HEIGHT);
        let points: Vec<_> = steps.iter().map(|step| (step.events as f64, of(step))).collect();
        // Writing to a string does not fail.
        let _ = write!(drawing, "<g transform=\"translate({x} {y})\">\n{}</g>\n", chart(title, &points));
    }
    drawing + "</svg>\n"
}

fn chart(title: &str, points: &[(f64, f64)]) -> String {
    let across = scale(points.iter().map(|point| point.0), MARGIN, WIDTH - MARGIN);
    let up = scale(points.iter().map(|point| point.1), HEIGHT - MARGIN, MARGIN);
    let mut chart = format!("<text x=\"{MARGIN}\" y=\"16\" font-weight=\"bold\">{title}</text>\n");
    let mut line = String::new();
    for (events, value) in points {
        let (x, y) = (across(*events), up(*value));
        let _ = write!(line, "{x:.1},{y:.1} ");
        let _ = writeln!(chart, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"#1f4e8c\"/>");
        let label = figure(*value);
        let _ = writeln!(chart, "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>", y - 8.0);
        let power = events.log10().round();
        let foot = HEIGHT - 10.0;
        let _ = writeln!(
            chart,
            "<text x=\"{x:.1}\" y=\"{foot:.1}\" text-anchor=\"middle\" fill=\"#555\">10<tspan dy=\"-4\" \
             font-size=\"8\">{power}</tspan></text>"
        );
    }
    let _ = writeln!(chart, "<polyline points=\"{}\" fill=\"none\" stroke=\"#1f4e8c\"/>", line.trim_end());
    chart
}

/// From a figure to a place, by its logarithm. What is hardly more than nothing stands for nothing.
fn scale(figures: impl Iterator<Item = f64>, from: f64, to: f64) -> impl Fn(f64) -> f64 {
    const LEAST: f64 = 1e-3;
    let logarithm = |figure: f64| figure.max(LEAST).log10();
    let (least, most) = figures
        .map(logarithm)
        .fold((f64::MAX, f64::MIN), |(least, most), figure| (least.min(figure), most.max(figure)));
    // A line that does not rise is drawn as one.
    let span = (most - least).max(1.0);
    move |figure| from + (to - from) * (logarithm(figure) - least) / span
}
