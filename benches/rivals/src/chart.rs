//! The chart: time against size, both logarithmic.

use std::collections::BTreeMap;
use std::path::Path;

use plotters::prelude::*;

use crate::Error;
use crate::run::{Outcome, Row};
use crate::table::time;

/// Draws every policy that was run at several sizes, one line for each engine.
pub fn draw(rows: &[Row], path: &Path) -> Result<(), Error> {
    let mut series: BTreeMap<&str, BTreeMap<&str, Vec<(f64, f64)>>> = BTreeMap::new();
    for row in rows {
        let Some((policy, size)) = &row.series else {
            continue;
        };
        for (engine, outcome) in &row.outcomes {
            if let Outcome::Done { report, .. } = outcome {
                let lines = series.entry(policy).or_default();
                let line = lines.entry(engine).or_default();
                line.push((*size as f64, time(row, report).as_secs_f64() * 1e3));
            }
        }
    }
    if series.is_empty() {
        return Ok(());
    }
    let columns = 2;
    let lines = series.len().div_ceil(columns);
    let root = SVGBackend::new(path, (1100, 330 * lines as u32)).into_drawing_area();
    root.fill(&WHITE)?;
    let areas = root.split_evenly((lines, columns));
    for (area, (policy, engines)) in areas.iter().zip(&series) {
        let points = || engines.values().flatten();
        let (low, high) = points().fold((f64::MAX, f64::MIN), |(low, high), (_, y)| {
            (low.min(*y), high.max(*y))
        });
        let (left, right) = points().fold((f64::MAX, f64::MIN), |(left, right), (x, _)| {
            (left.min(*x), right.max(*x))
        });
        let mut chart = ChartBuilder::on(area)
            .caption(format!("{policy} (ms by resources)"), ("sans-serif", 18))
            .margin(10)
            .x_label_area_size(30)
            .y_label_area_size(60)
            .build_cartesian_2d(
                (left * 0.9..right * 1.1).log_scale(),
                (low * 0.5..high * 2.0).log_scale(),
            )?;
        chart.configure_mesh().light_line_style(WHITE).draw()?;
        for (number, (engine, line)) in engines.iter().enumerate() {
            let color = Palette99::pick(number).to_rgba();
            chart
                .draw_series(
                    LineSeries::new(line.iter().copied(), color.stroke_width(2)).point_size(4),
                )?
                .label(*engine)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color));
        }
        chart
            .configure_series_labels()
            .background_style(WHITE.mix(0.8))
            .position(SeriesLabelPosition::UpperLeft)
            .draw()?;
    }
    root.present()?;
    Ok(())
}
