namespace CellOS.Export.S3.Core

open System
open System.Buffers.Binary
open System.Security.Cryptography
open System.Text

/// The names of what a spool holds.
///
/// Rules that this module keeps:
/// - each artifact of a target has one entry, a folder whose name is the same in every process;
/// - the name of an entry is 64 hexadecimal digits, whatever the artifact's name is;
/// - the note is the last that is written, and the first that is removed: an entry with a note is complete;
/// - a receipt is of one note. A newer note of the same artifact has none.
[<RequireQualifiedAccess>]
module SpoolEntry =

    /// The file in the spool that processes lock.
    [<Literal>]
    let LockFile = ".lock"

    /// The file with the note.
    [<Literal>]
    let NoteFile = "note.json"

    /// The end of the name of a file that is being written.
    [<Literal>]
    let TemporarySuffix = ".part"

    /// The copy while it is being written.
    [<Literal>]
    let ContentTemporary = "content.part"

    [<Literal>]
    let private ContentPrefix = "content-"

    [<Literal>]
    let private ReceiptPrefix = "receipt-"

    /// The largest note, in bytes.
    [<Literal>]
    let MaxNoteBytes = 1048576

    /// The name of the entry of an artifact.
    [<CompiledName("Name")>]
    let name
        (kind: TargetKind)
        (target: TargetName option)
        (cellId: CellId)
        (artifact: ArtifactName)
        : string =
        // No name contains NUL.
        let identity =
            String.Join(
                '\000',
                kind.Name,
                target |> Option.map TargetName.value |> Option.defaultValue "",
                CellId.value cellId,
                ArtifactName.value artifact
            )

        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes identity))

    /// The name of the entry of a note.
    [<CompiledName("OfNote")>]
    let ofNote (note: SpoolNote) : string =
        name note.TargetKind note.TargetName note.CellId note.ArtifactName

    /// True if it is the name of an entry.
    [<CompiledName("IsName")>]
    let isName (text: string) : bool =
        text.Length = 64
        && text |> Seq.forall (fun c -> Char.IsAsciiDigit c || Char.IsBetween(c, 'a', 'f'))

    /// The name of the copy with this SHA-256.
    [<CompiledName("Content")>]
    let content (sha256: string) : string =
        ContentPrefix + sha256.ToLowerInvariant()

    /// True if a file of this name is a complete copy, which counts to the bytes of a spool.
    [<CompiledName("IsContent")>]
    let isContent (file: string) : bool =
        file.StartsWith(ContentPrefix, StringComparison.Ordinal)

    /// The name of the receipt of a note.
    [<CompiledName("Receipt")>]
    let receipt (note: ReadOnlySpan<byte>) : string =
        ReceiptPrefix
        + Convert.ToHexStringLower((SHA256.HashData note).AsSpan(0, 16))
        + ".json"

    /// True if a file of an entry with this note may be removed: a crash left it behind, or it belongs to an older note.
    [<CompiledName("IsStray")>]
    let isStray (note: SpoolNote) (receiptFile: string) (file: string) : bool =
        file <> NoteFile && file <> content note.Sha256 && file <> receiptFile

    /// The place of the lock of an entry in the lock file. Place 0 is that of the drain.
    [<CompiledName("LockPlace")>]
    let lockPlace (entry: string) : int64 =
        let digest = SHA256.HashData(Encoding.UTF8.GetBytes entry)
        1L + (BinaryPrimitives.ReadInt64BigEndian digest &&& 0x3fff_ffff_ffff_ffffL)
