namespace CellOS.Export.S3.Core

open System
open System.Globalization
open System.Security.Cryptography
open FsToolkit.ErrorHandling

/// What a line of a file of seals is worth.
[<RequireQualifiedAccess>]
type SealStatus =
    /// The signature is that of a given key, and the line follows the line before it.
    | Valid
    /// The line is not in the form of this library, or the signature is not that of a given key.
    | Forged of Problem: string
    /// The signature is that of a given key, and the line does not follow the line before it: lines were removed, inserted,
    /// changed or moved.
    | OutOfOrder of Problem: string
    /// The last line has no line end: it was torn when it was written, or cut later.
    | Truncated

    /// The name in reports.
    member this.Name =
        match this with
        | Valid -> "valid"
        | Forged _ -> "forged"
        | OutOfOrder _ -> "out of order"
        | Truncated -> "truncated"

    /// What is wrong; `None` for a valid line.
    member this.Problem =
        match this with
        | Valid -> None
        | Forged problem
        | OutOfOrder problem -> Some problem
        | Truncated -> Some "has no line end: it was torn when it was written, or cut later"

/// A line of a file of seals, checked.
type CheckedSeal = {
    /// From 1.
    Number: int64
    /// What it is worth.
    Status: SealStatus
    /// What it states; `None` unless its signature is that of a given key.
    Statement: SealStatement option
}

/// The end of a chain, or the place in it that was noted elsewhere: the number of lines, and the SHA-256 of the last one
/// without its LF, in hexadecimal digits in lower case.
type SealHead = {
    /// 1 or more.
    Count: int64
    /// 64 hexadecimal digits in lower case.
    Sha256: string
} with

    /// `COUNT:SHA256`.
    override this.ToString() =
        Check.invariant $"{this.Count}:{this.Sha256}"

/// Parses heads.
[<RequireQualifiedAccess>]
module SealHead =

    /// Parses `COUNT:SHA256`.
    [<CompiledName("Parse")>]
    let parse (text: string) : Result<SealHead, Refusal> =
        let refuse () =
            Check.refuse
                "head"
                $"{Check.quote text} is not COUNT:SHA256"
                "Give the number of lines, a colon, and 64 hexadecimal digits, as push reports the head."

        match text.Trim().Split ':' with
        | [| count; sha256 |] when Receipt.isSha256 sha256 ->
            match Int64.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture) with
            | true, count when count >= 1L ->
                Ok {
                    Count = count
                    Sha256 = sha256.ToLowerInvariant()
                }
            | _ -> refuse ()
        | _ -> refuse ()

/// Whether chains contain the line that was noted elsewhere.
[<RequireQualifiedAccess>]
type AnchorStatus =
    /// The line is there, at its place.
    | Contained
    /// Each chain has fewer lines: the tail of one was removed.
    | Removed
    /// Another line is at that place.
    | Replaced

    /// The name in reports.
    member this.Name =
        match this with
        | Contained -> "contained"
        | Removed -> "removed"
        | Replaced -> "replaced"

/// A head that was noted elsewhere, and what became of it.
type SealAnchor = {
    /// The head.
    Head: SealHead
    /// Whether the chains contain it.
    Status: AnchorStatus
}

/// Looks for heads that were noted elsewhere in one or more chains. Each of them has to be in one of the chains.
[<RequireQualifiedAccess>]
module SealAnchors =

    /// Before the first line.
    [<CompiledName("Start")>]
    let start (heads: SealHead seq) : SealAnchor list = [
        for head in heads do
            {
                Head = head
                Status = AnchorStatus.Removed
            }
    ]

    /// Takes the head of a chain after each of its lines.
    [<CompiledName("Step")>]
    let step (anchors: SealAnchor list) (head: SealHead) : SealAnchor list =
        let look (anchor: SealAnchor) =
            if anchor.Head = head then
                {
                    anchor with
                        Status = AnchorStatus.Contained
                }
            elif anchor.Head.Count = head.Count && anchor.Status <> AnchorStatus.Contained then
                {
                    anchor with
                        Status = AnchorStatus.Replaced
                }
            else
                anchor

        List.map look anchors

/// The keys whose signatures count. Checking a signature is an effect, and belongs to the caller.
type SealKeys = {
    /// The ids of the keys; `None` if the caller does not have the keys of all lines, and `IsSigned` decides alone.
    Ids: Set<string> option
    /// Returns true if the signature of these bytes is that of the key with this id. It must not throw.
    IsSigned: Func<string, ReadOnlyMemory<byte>, ReadOnlyMemory<byte>, bool>
}

/// How far a file of seals has been read.
type SealScan = private {
    Last: SealHead option
    /// What the last line states as its place; `None` if it is not a seal.
    LastSequence: int64 option
}

/// What is to be done about the bytes after the last line end, before a line may be appended.
[<RequireQualifiedAccess>]
type SealTail =
    /// No bytes.
    | Whole
    /// They begin with a valid line of this length, which lacks its line end. `Scan` has read that line.
    | Complete of Scan: SealScan * Length: int
    /// They are the beginning of a line, or NULs: the file is cut to its last line end.
    | Torn
    /// They are nothing that this library writes: the file is left alone, and not used.
    | Foreign of Refusal

/// The chain of seals in a file: one line for each run and target, in the order of writing.
///
/// Rules that this module keeps:
/// - each line is checked against the line that is before it in the file: it has the SHA-256 of that line in `previous`, and
///   the next number in `sequence`. The first line has null and 1;
/// - a line counts only in its one form, with a signature of a given key in its one form; an empty line is forged;
/// - any change, removal, insertion or reordering of bytes or lines makes a line forged, out of order or truncated, or
///   contradicts an anchor (`SealAnchors`). Without an anchor, one kind of change is not detected: whole lines that are missing at the end.
///   The owner of a key can also write another chain; only an anchor tells the two apart;
/// - the functions are total on any bytes.
[<RequireQualifiedAccess>]
module SealChain =

    /// Of a file of which nothing has been read.
    [<CompiledName("Start")>]
    let start: SealScan = { Last = None; LastSequence = None }

    /// The number of lines that have ended.
    [<CompiledName("Count")>]
    let count (scan: SealScan) : int64 =
        match scan.Last with
        | Some last -> last.Count
        | None -> 0L

    /// The number of lines and the SHA-256 of the last one that has ended; `None` before the first.
    [<CompiledName("Head")>]
    let head (scan: SealScan) : SealHead option = scan.Last

    let private signed (keys: SealKeys) (line: ReadOnlyMemory<byte>) : Result<SealStatement, string> =
        result {
            let! envelope = Seal.parse line |> Result.mapError _.Problem

            if keys.Ids |> Option.exists (Set.contains envelope.KeyId >> not) then
                return! Error "is not signed with a given key"

            if not (SealSignature.isCanonical (ReadOnlyMemory envelope.Signature)) then
                return! Error "has a signature that is not in its one form"

            let bytes =
                Seal.preAuthenticationEncoding Seal.PayloadType (ReadOnlyMemory envelope.Payload)

            if
                not (
                    keys.IsSigned.Invoke(
                        envelope.KeyId,
                        ReadOnlyMemory bytes,
                        ReadOnlyMemory envelope.Signature
                    )
                )
            then
                return! Error "has a signature of other content or of another key"

            return!
                SealStatement.parse (ReadOnlyMemory envelope.Payload)
                |> Result.mapError (fun refusal -> $"has a statement that {refusal.Problem}")
        }

    /// What keeps a line from following the line before it.
    let private gap (scan: SealScan) (statement: SealStatement) : string option =
        let previous = scan.Last |> Option.map _.Sha256

        match previous, scan.LastSequence with
        | None, _ when statement.Previous.IsSome ->
            Some "is on line 1, and says that another seal came before it"
        | Some _, _ when statement.Previous.IsNone -> Some "is not the first line, and follows no other"
        | Some _, Some last when previous = statement.Previous && statement.Sequence <> last + 1L ->
            Some(Check.invariant $"has the number {statement.Sequence} after the number {last}")
        | _ when previous <> statement.Previous -> Some "follows another line than the one before it"
        | _ -> None

    /// Checks a line, without its line end.
    [<CompiledName("Step")>]
    let step
        (keys: SealKeys)
        (scan: SealScan)
        (line: ReadOnlyMemory<byte>)
        : struct (SealScan * CheckedSeal) =
        let number = count scan + 1L
        let statement = signed keys line

        let status =
            match statement with
            | Error problem -> SealStatus.Forged problem
            | Ok statement ->
                match gap scan statement with
                | Some problem -> SealStatus.OutOfOrder problem
                | None -> SealStatus.Valid

        let sha256 = Convert.ToHexStringLower(SHA256.HashData line.Span)

        struct ({
                    Last = Some { Count = number; Sha256 = sha256 }
                    LastSequence = statement |> Result.toOption |> Option.map _.Sequence
                },
                {
                    Number = number
                    Status = status
                    Statement = Result.toOption statement
                })

    /// The scan after a line that the caller made for this place, signed and appended. The line is not checked again.
    [<CompiledName("Appended")>]
    let appended (scan: SealScan) (line: ReadOnlyMemory<byte>) : SealScan =
        let number = count scan + 1L

        {
            Last =
                Some {
                    Count = number
                    Sha256 = Convert.ToHexStringLower(SHA256.HashData line.Span)
                }
            LastSequence = Some number
        }

    /// Checks the bytes after the last line end; `None` if the file ends with a line end.
    [<CompiledName("Finish")>]
    let finish (scan: SealScan) (rest: ReadOnlyMemory<byte>) : CheckedSeal option =
        if rest.IsEmpty then
            None
        else
            Some {
                Number = count scan + 1L
                Status = SealStatus.Truncated
                Statement = None
            }

    let private foreign problem =
        SealTail.Foreign {
            Subject = "file of seals"
            Problem = problem
            Remedy = "Nothing in it was changed. Give another file, or restore this one."
        }

    /// What is to be done about the bytes after the last line end, before a line may be appended.
    [<CompiledName("Tail")>]
    let tail (keys: SealKeys) (scan: SealScan) (rest: ReadOnlyMemory<byte>) : SealTail =
        // File systems may leave NULs after a loss of power.
        let written =
            rest.Slice(0, rest.Span.LastIndexOfAnyExcept(ReadOnlySpan [| 0uy |]) + 1)

        let isWhole = (Seal.parse written).IsOk

        if rest.IsEmpty then
            SealTail.Whole
        elif written.IsEmpty && count scan = 0L then
            foreign "contains nothing but NULs"
        elif isWhole then
            let struct (complete, line) = step keys scan written

            match line.Status.Problem with
            | None -> SealTail.Complete(complete, written.Length)
            | Some problem -> foreign $"ends in a line without an end that {problem}"
        elif Seal.mayBegin written then
            SealTail.Torn
        else
            foreign "ends in a line without an end that is not the beginning of a seal"

    /// Why no line may be appended after a line of the file; `None` if one may.
    [<CompiledName("Damage")>]
    let damage (line: CheckedSeal) : Refusal option =
        line.Status.Problem
        |> Option.map (fun problem -> {
            Subject = "file of seals"
            Problem = Check.invariant $"has a line {line.Number} that {problem}"
            Remedy =
                "Nothing in it was changed. Keep it for the auditors, and give another file, or restore it from a copy."
        })
