//! As much of a URL as a proxy needs.

use crate::wasi::http::types::Scheme;

pub struct Url {
    pub scheme: Scheme,
    pub authority: String,
    pub path: String,
}

impl Url {
    /// `base` and behind its path that of a request, which begins with a slash.
    pub fn parse(base: &str, path: &str) -> Option<Self> {
        let (scheme, rest) = base.split_once("://")?;
        let scheme = match scheme {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return None,
        };
        let (authority, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.is_empty() {
            return None;
        }
        let prefix = prefix.trim_end_matches('/');
        let slash = if prefix.is_empty() { "" } else { "/" };
        Some(Self {
            scheme,
            authority: authority.to_string(),
            path: format!("{slash}{prefix}{path}"),
        })
    }
}
