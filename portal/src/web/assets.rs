use std::fmt::Write;

use rust_embed::{EmbeddedFile, RustEmbed};
use warp::Filter;
use warp::http::{HeaderMap, HeaderValue, StatusCode, header};
use warp::path::FullPath;
use warp::reply::{Reply, Response};

use super::route::{Route, respond};
use super::{ApiError, pick};

/// The built UI; empty where it was not built.
#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/web/dist"]
#[allow_missing = true]
struct Assets;

const INDEX: &str = "index.html";

pub(crate) fn routes() -> Route {
    let file =
        warp::get().or(warp::head()).unify().and(warp::path::full()).and(warp::header::headers_cloned()).map(serve);
    pick([Route::unlisted(file.map(respond).boxed())])
}

/// The file at the path, else the UI, which routes for itself.
fn serve(path: FullPath, headers: HeaderMap) -> Result<Response, ApiError> {
    let path = path.as_str().trim_start_matches('/');
    // A device's identifier may hold a dot: its page is no file.
    let page = path.starts_with("devices/") || !path.rsplit('/').next().is_some_and(|last| last.contains('.'));
    let name = if page { INDEX } else { path };
    let Some(file) = Assets::get(name) else {
        return Err(if name == INDEX {
            ApiError::NotFound { code: "ui_not_built", detail: "this binary was built without the browser UI" }
        } else {
            ApiError::NotFound { code: "not_found", detail: "nothing is served here" }
        });
    };
    Ok(answer(name, file, headers.get(header::IF_NONE_MATCH)))
}

fn answer(name: &str, file: EmbeddedFile, known: Option<&HeaderValue>) -> Response {
    let mut tag = String::from("\"");
    for byte in &file.metadata.sha256_hash()[..16] {
        write!(tag, "{byte:02x}").expect("a String takes everything");
    }
    tag.push('"');
    let mut response = if known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(file.data.into_owned().into())
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(name)));
    headers.insert(header::ETAG, HeaderValue::from_str(&tag).expect("hexadecimal digits"));
    // The build puts a digest into the name of whatever is in this folder.
    let caching = if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
