//! Figures, taken in rounds, and the lines that bench/report.py reads.

use std::io::Write;

use wasmtime::Result;

/// CPU time of this thread.
fn thread_seconds() -> f64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut now) };
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}

/// One figure: `run` does something `times` times over.
pub struct Series {
    name: String,
    unit: &'static str,
    times: u32,
    run: Box<dyn FnMut(u32) -> Result<()>>,
    values: Vec<f64>,
}

impl Series {
    pub fn new(
        name: impl Into<String>,
        unit: &'static str,
        times: u32,
        run: impl FnMut(u32) -> Result<()> + 'static,
    ) -> Self {
        Self { name: name.into(), unit, times, run: Box::new(run), values: Vec::new() }
    }

    fn measure(&mut self) -> Result<()> {
        let from = thread_seconds();
        (self.run)(self.times)?;
        let scale = if self.unit == "ns" { 1e9 } else { 1e6 };
        self.values.push((thread_seconds() - from) / f64::from(self.times) * scale);
        Ok(())
    }

    fn print(&mut self) {
        self.values.sort_by(f64::total_cmp);
        if let (Some(least), Some(most)) = (self.values.first(), self.values.last()) {
            println!(
                "{{\"figure\": \"{}\", \"unit\": \"{}\", \"median\": {:.5}, \"least\": {least:.5}, \"most\": {most:.5}}}",
                self.name,
                self.unit,
                self.values[self.values.len() / 2]
            );
        }
    }
}

pub fn each_round(all: &mut [Series]) -> Result<()> {
    for line in std::io::stdin().lines() {
        line?;
        for series in all.iter_mut() {
            series.measure()?;
        }
        println!("done");
        std::io::stdout().flush()?;
    }
    for series in all {
        series.print();
    }
    Ok(())
}
