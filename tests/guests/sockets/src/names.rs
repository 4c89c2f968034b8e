use crate::Outcome;
pub fn run(_command: &str, _rest: &[&str]) -> Option<Outcome> {
    None
}
