//! What is done with results: two runs are compared, and curves are drawn.

use ocaml_lwt_interop::{Error, FromOCaml, ToOCaml, func};
use plotters::prelude::*;
use serde::Deserialize;

/// A run, as `--json` writes it; of it, what is compared.
#[derive(Deserialize)]
struct Run {
    ocaml: String,
    processor: String,
    judged_by: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    wall_ns: Vec<f64>,
    cpu_ns: Vec<f64>,
    median_ns: f64,
}

impl Case {
    /// The fastest round and the slowest.
    fn range(&self, judged_by: &str) -> (f64, f64) {
        let rounds = if judged_by == "cpu" {
            &self.cpu_ns
        } else {
            &self.wall_ns
        };
        rounds
            .iter()
            .fold((f64::INFINITY, 0.0), |(least, most), &ns| {
                (ns.min(least), ns.max(most))
            })
    }
}

/// By this share two runs of the same program lie apart where the rounds of each lie together: memory is laid out once.
const BETWEEN_RUNS: f64 = 0.05;

/// What became of a case.
#[derive(ToOCaml, Debug, PartialEq)]
pub enum Change {
    /// The rounds of the two runs overlap, or nearly.
    Noise,
    /// Each round is faster than each one before, by more than [`BETWEEN_RUNS`].
    Faster,
    /// Each round is slower than each one before, by more than [`BETWEEN_RUNS`].
    Slower,
}

/// A case that both runs have: nanoseconds before and after.
#[derive(ToOCaml, Debug)]
pub struct Difference {
    name: String,
    before: f64,
    after: f64,
    change: Change,
}

fn compare(before: &Run, after: &Run) -> Vec<Difference> {
    let differences = after.cases.iter().filter_map(|case| {
        let old = before.cases.iter().find(|old| old.name == case.name)?;
        let ((least, most), (least_before, most_before)) =
            (case.range(&after.judged_by), old.range(&before.judged_by));
        let change = if most * (1.0 + BETWEEN_RUNS) < least_before {
            Change::Faster
        } else if least > most_before * (1.0 + BETWEEN_RUNS) {
            Change::Slower
        } else {
            Change::Noise
        };
        Some(Difference {
            name: case.name.clone(),
            before: old.median_ns,
            after: case.median_ns,
            change,
        })
    });
    differences.collect()
}

/// Compares two runs, given as JSON, case by case, in the order of the second.
///
/// # Errors
///
/// One of the two cannot be read, or they cannot be compared: times of the wall and of the processor, two machines, two
/// OCamls.
#[func(sync)]
pub fn bench_compare(before: String, after: String) -> Result<Vec<Difference>, Error> {
    let (before, after): (Run, Run) = (
        serde_json::from_str(&before)?,
        serde_json::from_str(&after)?,
    );
    let what = |run: &Run| {
        format!(
            "{}, OCaml {}, {} time",
            run.processor, run.ocaml, run.judged_by
        )
    };
    if what(&before) != what(&after) {
        let (before, after) = (what(&before), what(&after));
        return Err(Error::msg(format!(
            "not to be compared: before {before}; now {after}"
        )));
    }
    Ok(compare(&before, &after))
}

/// A curve: its name, and nanoseconds for an operation at so many at a time.
#[derive(FromOCaml)]
pub struct Curve {
    name: String,
    points: Vec<(isize, f64)>,
}

/// Draws curves into an SVG file, both axes logarithmic.
///
/// # Errors
///
/// There is no point to draw, or the file cannot be written.
#[func(sync)]
pub fn bench_plot(file: String, curves: Vec<Curve>) -> Result<(), Error> {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let most = points()
        .map(|&(size, _)| size)
        .max()
        .ok_or_else(|| Error::msg("no curve to draw"))?;
    let (least_ns, most_ns) = points().fold((f64::INFINITY, 1.0_f64), |(least, most), &(_, ns)| {
        (least.min(ns), most.max(ns))
    });
    let area = SVGBackend::new(&file, (800, 500)).into_drawing_area();
    draw(&area, &curves, most as f64, (least_ns / 2.0, most_ns * 2.0))
        .map_err(|error| Error::msg(format!("{file}: {error}")))
}

fn draw(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    curves: &[Curve],
    most: f64,
    (least_ns, most_ns): (f64, f64),
) -> Result<(), Box<dyn std::error::Error>> {
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(area)
        .margin(10)
        .margin_right(40)
        .x_label_area_size(45)
        .y_label_area_size(60)
        .build_cartesian_2d(
            (1.0..most.max(2.0)).log_scale(),
            (least_ns..most_ns).log_scale(),
        )?;
    chart
        .configure_mesh()
        .x_desc("at a time")
        .y_desc("ns for each")
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .draw()?;
    for (index, curve) in curves.iter().enumerate() {
        let color = Palette99::pick(index).to_rgba();
        let points = || curve.points.iter().map(|&(size, ns)| (size as f64, ns));
        chart
            .draw_series(LineSeries::new(points(), color.stroke_width(2)))?
            .label(curve.name.clone())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2)));
        chart.draw_series(points().map(|point| Circle::new(point, 3, color.filled())))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()?;
    area.present()?;
    Ok(())
}
