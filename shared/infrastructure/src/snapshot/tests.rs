use std::io::{Read, Write};

use super::pieces::{PIECE_BYTES, cut, join};

/// What goes in comes out, in pieces of which only the last is smaller.
#[tokio::test]
async fn a_document_is_cut_into_pieces_and_joined_again() {
    for length in [0, 1, 99, 100, 101, 1_234] {
        let document: Vec<u8> = (0..length).map(|byte| u8::try_from(byte % 251).unwrap()).collect();
        let (mut writer, mut pieces) = cut(100);
        let (sender, mut reader) = join();
        let written = document.clone();
        let writing = tokio::task::spawn_blocking(move || {
            written.chunks(7).for_each(|chunk| writer.write_all(chunk).unwrap());
            writer.finish().unwrap();
        });
        let reading = tokio::task::spawn_blocking(move || {
            let mut read = Vec::new();
            reader.read_to_end(&mut read).unwrap();
            read
        });
        let mut sizes = Vec::new();
        while let Some(piece) = pieces.recv().await {
            sizes.push(piece.len());
            sender.send(piece).await.unwrap();
        }
        drop(sender);
        writing.await.unwrap();
        assert_eq!(reading.await.unwrap(), document);
        assert!(sizes.iter().rev().skip(1).all(|size| *size == 100), "{sizes:?}");
        assert_eq!(sizes.len(), usize::div_ceil(length, 100));
    }
}

/// Nobody writes on for nobody.
#[tokio::test]
async fn a_writer_ends_when_nobody_takes_its_pieces() {
    let (mut writer, pieces) = cut(10);
    drop(pieces);
    let writing = tokio::task::spawn_blocking(move || writer.write_all(&[0; 1_000]));
    assert!(writing.await.unwrap().is_err());
    assert_eq!(PIECE_BYTES, 1024 * 1024);
}
