//! The curves of a run: what an operation costs when so many are under way at the same time.

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::run::Run;

/// A curve: its name, and nanoseconds for an operation at so many at a time.
struct Curve<'a> {
    name: &'a str,
    points: Vec<(f64, f64)>,
}

/// The cases `many/CURVE-SIZE`, in order.
fn curves(run: &Run) -> Vec<Curve<'_>> {
    let mut curves: Vec<Curve<'_>> = Vec::new();
    for case in &run.cases {
        let Some((name, size)) = case
            .name
            .strip_prefix("many/")
            .and_then(|of| of.rsplit_once('-'))
        else {
            continue;
        };
        let Ok(size) = size.parse() else { continue };
        let point = (size, case.median_ns);
        match curves.iter_mut().find(|curve| curve.name == name) {
            Some(curve) => curve.points.push(point),
            None => curves.push(Curve {
                name,
                points: vec![point],
            }),
        }
    }
    curves
}

/// Draws the curves as an SVG file, both axes logarithmic.
///
/// # Errors
/// The run has none.
pub fn svg(run: &Run) -> Result<String, String> {
    let curves = curves(run);
    if curves.is_empty() {
        return Err("no curve to draw".into());
    }
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (800, 500)).into_drawing_area();
    draw(area, run, &curves).map_err(|error| error.to_string())?;
    svg.push('\n');
    Ok(svg)
}

fn draw(
    area: DrawingArea<SVGBackend<'_>, Shift>,
    run: &Run,
    curves: &[Curve<'_>],
) -> Result<(), Box<dyn std::error::Error>> {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let most = points().fold(2.0_f64, |most, &(size, _)| most.max(size));
    let (least_ns, most_ns) = points().fold((f64::INFINITY, 1.0_f64), |(least, most), &(_, ns)| {
        (least.min(ns), most.max(ns))
    });
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(10)
        .margin_right(40)
        .caption(
            format!("OCaml {}, Lwt {}", run.ocaml, run.lwt),
            ("sans-serif", 16),
        )
        .x_label_area_size(45)
        .y_label_area_size(60)
        .build_cartesian_2d(
            (1.0..most).log_scale(),
            (least_ns / 2.0..most_ns * 2.0).log_scale(),
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
        let points = || curve.points.iter().copied();
        chart
            .draw_series(LineSeries::new(points(), color.stroke_width(2)))?
            .label(format!("many/{}", curve.name))
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
