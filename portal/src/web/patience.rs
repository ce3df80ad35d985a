//! How long a peer may take: to send the body of a request, and to take its answer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// For a body, from its head on: a form of at most 16 kB.
pub(super) const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// For an answer, from the first moment at which the peer took nothing more of it: the largest is some megabytes.
pub(super) const ANSWER_PATIENCE: Duration = Duration::from_secs(60);

/// Something that one part of a connection tells another.
#[derive(Clone, Default)]
pub(super) struct Flag(Arc<AtomicBool>);

impl Flag {
    pub(super) fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn up(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The body did not come in time.
#[derive(Debug, thiserror::Error)]
#[error("the body did not come in time")]
pub(super) struct Late;

/// A body that fails once its time is over, and raises `late` then.
pub(super) struct Timely<B> {
    body: B,
    until: Instant,
    /// None until it was first waited for.
    alarm: Option<Pin<Box<Sleep>>>,
    late: Flag,
}

impl<B> Timely<B> {
    pub(super) fn new(body: B, late: Flag) -> Self {
        Self { body, until: Instant::now() + BODY_PATIENCE, alarm: None, late }
    }
}

impl<B: Body + Unpin> Body for Timely<B>
where
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = B::Data;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let alarm = this.alarm.get_or_insert_with(|| Box::pin(sleep_until(this.until)));
        ready!(alarm.as_mut().poll(context));
        this.late.raise();
        Poll::Ready(Some(Err(Late.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream that fails where its peer takes an answer too slowly. The time begins when something could not be sent at once, and
/// begins anew once the peer asked for something else. It ends with `upgraded`: a screen has a patience of its own.
pub(super) struct Patient<S> {
    stream: S,
    waits: Option<Pin<Box<Sleep>>>,
    upgraded: Flag,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, upgraded: Flag) -> Self {
        Self { stream, waits: None, upgraded }
    }

    fn unless_too_slow<T>(&mut self, sent: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if sent.is_ready() || self.upgraded.up() {
            return sent;
        }
        let waits = self.waits.get_or_insert_with(|| Box::pin(sleep(ANSWER_PATIENCE)));
        ready!(waits.as_mut().poll(context));
        metrics::counter!("vigil_portal_answers_cut_total").increment(1);
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the answer was not taken in time")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = into.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, into);
        if into.filled().len() > before {
            this.waits = None;
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let sent = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.unless_too_slow(sent, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let sent = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.unless_too_slow(sent, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let sent = Pin::new(&mut this.stream).poll_flush(context);
        this.unless_too_slow(sent, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let sent = Pin::new(&mut this.stream).poll_shutdown(context);
        this.unless_too_slow(sent, context)
    }
}
