//! Which lines of an access log are page views, and what campaign and activity they belong to.

use std::borrow::Cow;
use std::path::Path;

use anyhow::Context;
use percent_encoding::percent_decode_str;
use pipeline::cell::Kind;
use regex::Regex;
use serde::Deserialize;

use super::access_log::Request;
use super::summary::Skip;

/// The rules that are shipped, fitted to the sample beside them.
pub const SHIPPED_RULES: &str = include_str!("../../data/access-log-rules.toml");

/// The rules of one import.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Status codes of an answered page view.
    pub statuses: Vec<u16>,
    /// Hosts of the site itself; their subdomains belong to them.
    pub sites: Vec<String>,
    /// What is no page.
    assets: Assets,
    /// Campaign and activity by path; the first that matches decides.
    #[serde(default)]
    paths: Vec<PathRule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Assets {
    extensions: Vec<String>,
    prefixes: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PathRule {
    #[serde(deserialize_with = "regex")]
    path: Regex,
    campaign: String,
    activity: String,
}

fn regex<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Regex, D::Error> {
    Regex::new(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// What a page view is an event of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct View {
    /// Visit or click.
    pub kind: Kind,
    /// Empty means none.
    pub campaign: String,
    /// Empty means none.
    pub activity: String,
}

impl Rules {
    /// The rules of [`SHIPPED_RULES`].
    ///
    /// # Errors
    /// Never: a test reads them.
    pub fn shipped() -> anyhow::Result<Self> {
        Self::parse(SHIPPED_RULES).context("the shipped access-log rules")
    }

    /// Rules from a file.
    ///
    /// # Errors
    /// When the file can't be read or is not of the form of [`SHIPPED_RULES`].
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("--rules {name}: the file can't be read"))?;
        Self::parse(&text).with_context(|| format!("--rules {name}: not access-log rules"))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        Ok(toml::from_str(text)?)
    }

    /// The page view of a request, or why it is none.
    pub(super) fn judge(&self, request: &Request<'_>) -> Result<View, Skip> {
        if request.method != "GET" {
            return Err(Skip::NotGet);
        }
        if !self.statuses.contains(&request.status) {
            return Err(Skip::Status);
        }
        let (path, query) = split_target(request.target);
        let path = percent_decode_str(path).decode_utf8_lossy();
        if self.is_asset(&path) {
            return Err(Skip::Asset);
        }
        let (by_path, activity) = self.by_path(&path);
        Ok(View {
            kind: match referrer_host(&request.referrer) {
                Some(host) if self.is_site(host) => Kind::Click,
                _ => Kind::Visit,
            },
            campaign: utm_campaign(query).unwrap_or(by_path),
            activity,
        })
    }

    fn is_asset(&self, path: &str) -> bool {
        let segment = path.rsplit('/').next().unwrap_or(path);
        let extension = segment.rsplit_once('.').map(|(_, extension)| extension);
        let listed = |extension: &str| {
            self.assets
                .extensions
                .iter()
                .any(|asset| asset.eq_ignore_ascii_case(extension))
        };
        extension.is_some_and(listed)
            || self
                .assets
                .prefixes
                .iter()
                .any(|prefix| path.starts_with(prefix.as_str()))
    }

    /// Whether `host` is one of the site's.
    pub(super) fn is_site(&self, host: &str) -> bool {
        self.sites.iter().any(|site| {
            let Some(rest) = host.len().checked_sub(site.len()) else {
                return false;
            };
            // Bytes, for a cut inside a character can only be unequal.
            let (before, end) = host.as_bytes().split_at(rest);
            end.eq_ignore_ascii_case(site.as_bytes()) && matches!(before.last(), None | Some(b'.'))
        })
    }

    fn by_path(&self, path: &str) -> (String, String) {
        let Some((rule, groups)) = self
            .paths
            .iter()
            .find_map(|rule| Some((rule, rule.path.captures(path)?)))
        else {
            return (String::new(), String::new());
        };
        let (mut campaign, mut activity) = (String::new(), String::new());
        groups.expand(&rule.campaign, &mut campaign);
        groups.expand(&rule.activity, &mut activity);
        (campaign, activity)
    }
}

/// Path and query of a request's target; a proxy's absolute target loses its scheme and host.
fn split_target(target: &str) -> (&str, &str) {
    let local = match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['/', '?']) => {
            rest.find('/').map_or("/", |slash| &rest[slash..])
        }
        _ => target,
    };
    let local = local.split('#').next().unwrap_or(local);
    let (path, query) = local.split_once('?').unwrap_or((local, ""));
    // Servers take several slashes for one.
    let doubled = path.bytes().take_while(|byte| *byte == b'/').count();
    (&path[doubled.saturating_sub(1)..], query)
}

/// The host a referrer names, without user and port.
pub(super) fn referrer_host(referrer: &str) -> Option<&str> {
    let (_, rest) = referrer.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    // The colons of an IPv6 address stand inside brackets.
    let host = match host.rfind(']') {
        Some(bracket) => &host[..=bracket],
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

/// The first utm_campaign of a query that says something, decoded as a form is: plus means space.
fn utm_campaign(query: &str) -> Option<String> {
    let raw = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("utm_campaign="))?;
    let spaced: Cow<'_, str> = if raw.contains('+') {
        raw.replace('+', " ").into()
    } else {
        raw.into()
    };
    let decoded = percent_decode_str(&spaced).decode_utf8_lossy().into_owned();
    (!decoded.is_empty()).then_some(decoded)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn get(target: &'static str) -> Request<'static> {
        Request {
            address: "192.0.2.1",
            occurred_at_ms: 1,
            method: "GET",
            target,
            status: 200,
            referrer: "-".into(),
            user_agent: "curl".into(),
        }
    }

    fn judge(request: &Request<'_>) -> Result<View, Skip> {
        Rules::shipped().unwrap().judge(request)
    }

    #[test]
    fn only_answered_gets_of_pages_are_views() {
        assert!(judge(&get("/")).is_ok());
        assert!(
            judge(&Request {
                status: 304,
                ..get("/")
            })
            .is_ok()
        );
        assert_eq!(
            judge(&Request {
                method: "HEAD",
                ..get("/")
            }),
            Err(Skip::NotGet)
        );
        assert_eq!(
            judge(&Request {
                status: 206,
                ..get("/")
            }),
            Err(Skip::Status)
        );
        assert_eq!(judge(&get("/a/b.PNG?x=1")), Err(Skip::Asset));
        assert_eq!(judge(&get("/favicon.ico")), Err(Skip::Asset));
        assert_eq!(judge(&get("//robots.txt")), Err(Skip::Asset));
        assert!(
            judge(&get("/page?file=a.png")).is_ok(),
            "a query is no path"
        );
        assert!(
            judge(&get("/styles.css/page")).is_ok(),
            "a folder has no extension"
        );
    }

    #[test]
    fn a_view_from_the_site_itself_is_a_click() {
        let kind = |referrer: &'static str| {
            judge(&Request {
                referrer: referrer.into(),
                ..get("/")
            })
            .unwrap()
            .kind
        };
        assert_eq!(kind("-"), Kind::Visit);
        assert_eq!(kind("http://semicomplete.com/blog"), Kind::Click);
        assert_eq!(kind("https://WWW.Semicomplete.com:8080"), Kind::Click);
        assert_eq!(kind("http://notsemicomplete.com/"), Kind::Visit);
        assert_eq!(kind("http://semicomplete.com.example/"), Kind::Visit);
        assert_eq!(
            kind("http://example.org/?u=http://semicomplete.com/"),
            Kind::Visit
        );
        assert_eq!(kind("http://semicomplete.com@example.org/"), Kind::Visit);
    }

    #[test]
    fn hosts_are_found_whatever_stands_around_them() {
        assert_eq!(
            referrer_host("http://[2001:db8::1]:80/x"),
            Some("[2001:db8::1]")
        );
        assert_eq!(
            referrer_host("android-app://com.example/x"),
            Some("com.example")
        );
        assert_eq!(referrer_host("-"), None);
        assert_eq!(referrer_host("http:///x"), None);
    }

    #[test]
    fn utm_campaign_comes_before_the_path_and_two_spellings_are_one_name() {
        let view = |target| judge(&get(target)).unwrap();
        let coded = view("/blog/geekery/a.html?utm_campaign=Feed%3A+semi%2Fmain+%28x%29&y=1");
        let plain = view("/blog/geekery/a.html?z&utm_campaign=Feed:+semi/main+(x)");
        assert_eq!(coded, plain);
        assert_eq!(coded.campaign, "Feed: semi/main (x)");
        assert_eq!(coded.activity, "geekery");
        assert_eq!(view("/blog/?utm_campaign=%EB%B4%84").campaign, "봄");
        assert_eq!(view("/blog/?utm_campaign=").campaign, "blog");
    }

    #[test]
    fn the_path_names_campaign_and_activity_else_there_is_none() {
        let names = |target| {
            let view = judge(&get(target)).unwrap();
            (view.campaign, view.activity)
        };
        let pair = |campaign: &str, activity: &str| (campaign.to_owned(), activity.to_owned());
        assert_eq!(
            names("/projects/xdotool/xdotool.xhtml"),
            pair("projects", "xdotool")
        );
        assert_eq!(names("/projects/xdotool"), pair("projects", "xdotool"));
        assert_eq!(
            names("http://semicomplete.com/blog/tags/puppet"),
            pair("blog", "tags")
        );
        assert_eq!(names("/blog"), pair("blog", ""));
        assert_eq!(names("/"), pair("", ""));
        assert_eq!(names("/blogger/x"), pair("", ""));
    }

    #[test]
    fn rules_with_a_misspelt_name_or_a_broken_pattern_are_refused() {
        let misspelt = SHIPPED_RULES.replace("statuses =", "status =");
        assert!(Rules::parse(&misspelt).is_err());
        let broken = SHIPPED_RULES.replace("^/(blog", "^/((blog");
        assert!(Rules::parse(&broken).is_err());
    }
}
