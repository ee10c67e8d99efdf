namespace CellOS.Export.S3.Core

open System
open System.Text

/// What a line of a receipts file is.
[<RequireQualifiedAccess>]
type LogLine =
    /// A receipt.
    | Receipt of Receipt
    /// The state of an upload to an object that has a receipt already.
    | Upload of UploadMark
    /// A line of this library that was damaged; it stays where it is. `Object` is the destination and the URL, without its
    /// query, of the object that it is about; `None` where the damage may be there.
    | Damaged of Problem: Refusal * Object: (string * string option) option
    /// Not a line of this library; it stays where it is.
    | NoReceipt of Refusal

/// A line that has its end, blank ones left out.
type LoggedLine = {
    /// From 1.
    Number: int64
    /// The line, from 1.
    Line: LogLine
}

/// What is to be done about the bytes after the last line end, before anything may be appended.
[<RequireQualifiedAccess>]
type LogTail =
    /// There are none.
    | Whole
    /// They are lines that lack a line end: the file is cut to this length, and the end is put there.
    | Mend of Lines: LogLine list * Length: int64
    /// They are the beginning of a line of ours: the file is cut to this length. `Torn` is that beginning, without secrets.
    | Cut of Length: int64 * Torn: string
    /// They are nothing that this library writes: the file is left alone, and not used.
    | Foreign of Refusal

/// How far a file has been read.
[<NoEquality; NoComparison>]
type LogScan = private {
    /// Returns the lines that a line in a form of another kind stands for; `None` for a line that is not in such a form.
    Forms: ReadOnlyMemory<byte> -> LogLine list option
    /// How many lines have ended.
    Ended: int64
    /// Where the bytes begin that belong to no ended line.
    From: int64
    /// Those bytes, or the first of them, if there are more than a line may have.
    Pending: byte[]
    PendingLength: int64
    /// Whether all of them are NUL.
    AllNul: bool
    /// Whether an ended line is one of ours.
    HasReceipt: bool
    /// Whether an ended line is not a receipt, and not blank.
    HasOther: bool
} with

    /// The number of lines that have their end.
    member this.Lines = this.Ended

/// The receipts file: one receipt a line, and on disk before the next one is begun. Before an object is written that has a
/// receipt in the file, a line says that the upload starts.
///
/// Rules that this module keeps:
/// - a line ends in LF; CR LF and blank lines are accepted;
/// - a line that is no receipt is reported and kept: nothing that has its line end is ever taken out;
/// - several receipts on one line, with or without commas between them, all count;
/// - a line that begins as ours do, or has a field of ours, or NULs, and cannot be read was damaged;
/// - a file that has lines, and none that is a receipt, is not ours, and is refused;
/// - what follows the last line end was torn by a crash or a full disk. A whole value of JSON that begins as a receipt does is
///   kept, with all that follows it, and so is the beginning of a receipt that tells its destination; a shorter beginning,
///   or the NULs that file systems leave after a loss of power, are cut off; anything else shows that the file is not ours,
///   and the file is refused, as is one of NULs alone, which may be evidence;
/// - NULs in a line stand for bytes that were lost: what they were may be receipts of any object;
/// - how the bytes come in pieces makes no difference, and no more than one line is held.
[<RequireQualifiedAccess>]
module ReceiptLog =

    /// No receipt is longer: its texts come from names, keys and response headers, which all have limits.
    [<Literal>]
    let MaxLineBytes = 1_048_576

    /// Of a file of which nothing has been read.
    [<CompiledName("Start")>]
    let start = {
        Forms = fun _ -> None
        Ended = 0L
        From = 0L
        Pending = [||]
        PendingLength = 0L
        AllNul = true
        HasReceipt = false
        HasOther = false
    }

    /// Of a file whose lines may have other forms than receipts have, as those that a push writes to standard output.
    let internal startWith (forms: ReadOnlyMemory<byte> -> LogLine list option) : LogScan = {
        start with
            Forms = forms
    }

    let private opening = Encoding.ASCII.GetBytes DamagedLine.Opening

    let private nul = 0uy
    let private lineFeed = byte '\n'

    let private isBlank (line: ReadOnlyMemory<byte>) =
        line.Span.IndexOfAnyExcept(byte ' ', byte '\t', byte '\r') < 0

    let private tooLong length =
        Check.refuse
            "receipt"
            (Check.invariant $"is {length} bytes long; no receipt has more than {MaxLineBytes}")
            "This library did not write it."

    /// Whether a line of ours may have begun with these bytes, of which NULs may have taken the rest.
    let private isTornOff (line: ReadOnlyMemory<byte>) =
        let written = line.Span.TrimEnd(nul)
        let shared = min written.Length opening.Length
        shared > 0 && written.Slice(0, shared).SequenceEqual(opening.AsSpan(0, shared))

    let private isReceipt (line: LogLine) =
        match line with
        | LogLine.Receipt _
        | LogLine.Upload _ -> true
        | LogLine.Damaged _
        | LogLine.NoReceipt _ -> false

    let private classify (line: ReadOnlyMemory<byte>) : LogLine =
        match Receipt.parseUtf8 line with
        | Ok receipt -> LogLine.Receipt receipt
        | Error refusal ->
            match UploadMark.tryParseUtf8 line with
            | Some mark -> LogLine.Upload mark
            | None when DamagedLine.isOurs line || isTornOff line && not (DamagedLine.isJson line) ->
                LogLine.Damaged(refusal, DamagedLine.object line)
            | None -> LogLine.NoReceipt refusal

    /// What the bytes of one line are: one line of ours, or several without line ends between them.
    let private read forms length (line: ReadOnlyMemory<byte>) : LogLine list =
        if length > int64 MaxLineBytes then
            match tooLong length with
            | Error refusal when isTornOff line || line.Span.IndexOf nul >= 0 -> [
                LogLine.Damaged(refusal, None)
              ]
            | Error refusal -> [ LogLine.NoReceipt refusal ]
            | Ok line -> [ line ]
        else
            match classify line with
            | LogLine.Receipt _
            | LogLine.Upload _ as one -> [ one ]
            | other ->
                match forms line with
                | Some lines -> lines
                | None ->
                    let parts = DamagedLine.split line |> List.map classify

                    if List.exists isReceipt parts then parts else [ other ]

    let private joined (pending: byte[]) (more: ReadOnlyMemory<byte>) =
        if pending.Length = 0 then
            more
        else
            let all = Array.zeroCreate (pending.Length + more.Length)
            pending.CopyTo(all, 0)
            more.CopyTo(Memory(all, pending.Length, more.Length))
            ReadOnlyMemory all

    let private keep (scan: LogScan) (more: ReadOnlyMemory<byte>) =
        // One byte above the limit tells that it was passed.
        let room = MaxLineBytes + 1 - scan.Pending.Length

        {
            scan with
                Pending =
                    if room = 0 then
                        scan.Pending
                    else
                        (joined scan.Pending (more.Slice(0, min room more.Length))).ToArray()
                PendingLength = scan.PendingLength + int64 more.Length
                AllNul = scan.AllNul && more.Span.IndexOfAnyExcept nul < 0
        }

    /// The next piece of the file: the lines that end in it, and how far it has been read then.
    [<CompiledName("Step")>]
    let step (scan: LogScan) (piece: ReadOnlyMemory<byte>) : struct (LogScan * LoggedLine list) =
        let lines = ResizeArray<LoggedLine>()
        let mutable scan = scan
        let mutable rest = piece
        let mutable at = rest.Span.IndexOf lineFeed

        while at >= 0 do
            let length = scan.PendingLength + int64 at
            let number = scan.Ended + 1L

            let line =
                if length > int64 MaxLineBytes then
                    let first =
                        if scan.Pending.Length > 0 then
                            ReadOnlyMemory scan.Pending
                        else
                            rest.Slice(0, at)

                    first.Slice(0, min first.Length opening.Length)
                else
                    joined scan.Pending (rest.Slice(0, at))

            let known =
                if length > int64 MaxLineBytes || not (isBlank line) then
                    read scan.Forms length line
                else
                    []

            for line in known do
                lines.Add { Number = number; Line = line }

            scan <- {
                startWith scan.Forms with
                    Ended = number
                    From = scan.From + length + 1L
                    HasReceipt = scan.HasReceipt || List.exists isReceipt known
                    HasOther = scan.HasOther || known |> List.exists (isReceipt >> not)
            }

            rest <- rest.Slice(at + 1)
            at <- rest.Span.IndexOf lineFeed

        struct ((if rest.IsEmpty then scan else keep scan rest), List.ofSeq lines)

    let private foreign problem remedy =
        LogTail.Foreign {
            Subject = "receipts file"
            Problem = problem
            Remedy = $"Nothing in it was changed. {remedy}"
        }

    let private foreignTail problem =
        foreign problem "Give another file, or end that line with a line break to keep it."

    /// True if a damaged line tells the object that it is about: earlier receipts of the object are in doubt.
    let private isOfObject (lines: LogLine list) =
        match lines with
        | [ LogLine.Damaged(_, Some _) ] -> true
        | _ -> false

    let private tail (scan: LogScan) =
        let withoutNuls =
            ReadOnlyMemory(scan.Pending, 0, Span<byte>(scan.Pending).LastIndexOfAnyExcept nul + 1)

        if scan.PendingLength = 0L then
            LogTail.Whole
        elif scan.AllNul && scan.Ended = 0L then
            foreign
                "contains nothing but NULs"
                "Give another file. If a loss of power left this one so, remove it."
        elif scan.AllNul then
            LogTail.Cut(scan.From, "")
        elif scan.PendingLength > int64 MaxLineBytes then
            foreignTail (
                Check.invariant $"ends in a line of {scan.PendingLength} bytes, which is not a receipt"
            )
        else
            let lines = read scan.Forms scan.PendingLength withoutNuls

            if
                lines.IsEmpty
                || List.exists isReceipt lines
                || DamagedLine.hasValue withoutNuls
                   && withoutNuls.Span.StartsWith(opening.AsSpan())
            then
                LogTail.Mend(lines, scan.From + int64 withoutNuls.Length)
            elif isTornOff withoutNuls && isOfObject lines then
                LogTail.Mend(lines, scan.From + int64 withoutNuls.Length)
            elif isTornOff withoutNuls then
                LogTail.Cut(scan.From, Shown.line (Encoding.UTF8.GetString withoutNuls.Span))
            else
                foreignTail "ends in a line without an end that is not the beginning of a receipt"

    /// What is to be done at the end of the file.
    [<CompiledName("Finish")>]
    let finish (scan: LogScan) : LogTail =
        let noReceipt () =
            foreign "contains no receipt" "It may be the wrong file: give another one, or an empty one."

        match tail scan with
        // A path given by mistake: a spec, or the evidence itself, would have receipts appended to it.
        | LogTail.Whole
        | LogTail.Cut _ when scan.HasOther && not scan.HasReceipt -> noReceipt ()
        | LogTail.Mend(lines, _) when not scan.HasReceipt && not (List.exists isReceipt lines) -> noReceipt ()
        | tail -> tail
