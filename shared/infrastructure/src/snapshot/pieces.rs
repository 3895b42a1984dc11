//! A document as pieces of bounded size: written and read without ever being held as a whole.

use std::io::{self, Read, Write};

use tokio::sync::mpsc;

/// The size of a piece. The last one may be smaller.
pub(super) const PIECE_BYTES: usize = 1024 * 1024;
/// How many pieces wait to be taken.
const WAITING_PIECES: usize = 1;

/// A piece.
pub(super) type Piece = Vec<u8>;

/// A writer, and where what was written comes out in pieces of this size.
pub(super) fn cut(piece_bytes: usize) -> (PieceWriter, mpsc::Receiver<Piece>) {
    let (sender, receiver) = mpsc::channel(WAITING_PIECES);
    (PieceWriter { sender, piece_bytes, piece: Vec::new() }, receiver)
}

/// Where pieces are put, and a reader of what they make together.
pub(super) fn join() -> (mpsc::Sender<Piece>, PieceReader) {
    let (sender, receiver) = mpsc::channel(WAITING_PIECES);
    (sender, PieceReader { receiver, piece: io::Cursor::default() })
}

/// Writes pieces, waiting until somebody takes them: not for asynchronous code.
pub(super) struct PieceWriter {
    sender: mpsc::Sender<Piece>,
    piece_bytes: usize,
    piece: Piece,
}

impl PieceWriter {
    /// Gives away what is left. Without it nobody knows that the document has ended.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if self.piece.is_empty() { Ok(()) } else { self.give_away() }
    }

    fn give_away(&mut self) -> io::Result<()> {
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.sender.blocking_send(std::mem::take(&mut self.piece)).map_err(gone)
    }
}

impl Write for PieceWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.piece.capacity() == 0 {
            self.piece.reserve_exact(self.piece_bytes);
        }
        let taken = bytes.len().min(self.piece_bytes - self.piece.len());
        self.piece.extend_from_slice(&bytes[..taken]);
        if self.piece.len() == self.piece_bytes {
            self.give_away()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads pieces, waiting until they are there: not for asynchronous code.
pub(super) struct PieceReader {
    receiver: mpsc::Receiver<Piece>,
    piece: io::Cursor<Piece>,
}

impl Read for PieceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            match self.receiver.blocking_recv() {
                Some(piece) => self.piece = io::Cursor::new(piece),
                None => return Ok(0),
            }
        }
    }
}
