//! Which requests are answered at all.

use http::request::Parts;
use http::{HeaderValue, Version, header};

use crate::host::{Authority, HostName, Names};
use crate::origin::{self, Origin};
use crate::problem::Problem;
use crate::problem_type;

/// For whom, and for whose pages, a service answers.
#[derive(Debug, Clone)]
pub(super) struct Access {
    names: Names,
    allowed_origins: Vec<Origin>,
}

impl Access {
    pub(super) fn new(public_hosts: Vec<HostName>, allowed_origins: Vec<Origin>) -> Self {
        Self { names: Names::with(public_hosts), allowed_origins }
    }

    /// Lets a request through, with one `Host`: whom it is for.
    ///
    /// # Errors
    /// 400 `malformed-header` if it does not say properly whom it is for, 421 `misdirected-request` if that is somebody
    /// else, 403 `cross-site` if it may change something and a page of somebody else sends it.
    pub(super) fn check(&self, request: &mut Parts) -> Result<(), Problem> {
        let authority = Authority::of(request)?;
        if let Some(other) = authority.as_ref().filter(|authority| !self.names.contain(authority)) {
            return Err(misdirected(other));
        }
        if origin::is_foreign(request, authority.as_ref(), &self.allowed_origins) {
            return Err(cross_site());
        }
        if request.version < Version::HTTP_2
            && let Some(Ok(target)) = request.uri.authority().map(|target| HeaderValue::from_str(target.as_str()))
        {
            // What is said in the first line counts, for everybody behind this as well (RFC 9112, 3.2.2).
            request.headers.insert(header::HOST, target);
        }
        Ok(())
    }
}

fn misdirected(authority: &Authority) -> Problem {
    let detail = format!(
        "This service does not answer for {authority}. Use an IP address or one of its names; an operator adds names with \
         --public-host or JETBRIDGE_PUBLIC_HOST."
    );
    Problem::new(problem_type::MISDIRECTED_REQUEST, detail)
        .caused_by(format_args!("not for this service, but for {authority}; names are added with --public-host"))
}

fn cross_site() -> Problem {
    let detail = "A page of another site sends this. If the page is yours, an operator adds its origin to \
                  --allowed-origins (JETBRIDGE_ALLOWED_ORIGINS); if it came from here through a proxy, the proxy has to \
                  pass on the header Host and set X-Forwarded-Proto.";
    Problem::new(problem_type::CROSS_SITE, detail)
}
