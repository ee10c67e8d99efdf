namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic

/// What receipts, seals and files state, in little memory: fingerprints in place of texts. For that memory it changes in place,
/// and has no effect outside itself. One thread at a time uses it.
[<NoEquality; NoComparison>]
type VerificationLedger = internal {
    Scope: VerificationScope
    Fingerprints: FingerprintMaker
    /// The receipts that valid seals state, and whether a line has each.
    Sealed: Dictionary<Fingerprint, bool>
    /// The files by their paths.
    Files: Dictionary<Fingerprint, BundleFact>
    /// One for each receipt; when it is closed, one for each object, sorted.
    Entries: List<LedgerEntry>
    /// The uploads of objects that have receipts already: their times, and whether they started.
    Marks: Dictionary<Fingerprint, List<struct (int64 * bool)>>
    /// The contents that seals state of objects whose last receipt is not sealed.
    Overruled: Dictionary<Fingerprint, int64 list>
    Statuses: Dictionary<ArtifactStatus, int64>
    mutable Anchors: SealAnchor list
    /// The heads of the chains, the one that is read first.
    mutable Heads: SealHead list
    mutable Seals: SealCounts
    /// The place of the next receipt.
    mutable Next: int64
    mutable Receipts: int64
    mutable BadLines: int64
    mutable WithLine: int64
    /// The number of receipts whose file the bundle has by these names.
    Fits: Dictionary<BundleNames, int64>
    mutable Superseded: int64
    mutable IsSealed: int64
    mutable NotSealed: int64
    mutable WithoutLine: int64
    mutable AcceptedUnconfirmed: int64
    mutable AcceptedUnsealed: int64
    mutable RejectedUnsealed: int64
    mutable Failed: int64
    mutable Unreadable: int64
}

/// Takes in receipts, seals and the files of a bundle, to be verified against each other.
///
/// Rules that this module keeps:
/// - the inputs are read twice, in the same order: `readSeal`, `readEnvelope` and `readLine`, then `addSealed`, take in all of
///   them; after `close`, `VerificationJudge` reports each artifact. The caller makes sure that the inputs are the same;
/// - the receipt of an object that was completed last counts; of equal times, the one that was read last. An object is known by
///   its destination. The order of lines and of files makes no other difference;
/// - a receipt is sealed if a valid seal states a receipt with the same values in all fields that this library knows;
/// - a sealed receipt counts as a receipt, and without a line in the files of receipts it is reported;
/// - a receipt without a seal that overrules a sealed one of other content, or of which one alone was confirmed by the store,
///   is not accepted, whatever the scope accepts;
/// - where no file of receipts was given, the sealed receipts are the receipts;
/// - every line of receipts that is not one, and not blank, is reported;
/// - the functions are total.
[<RequireQualifiedAccess>]
module VerificationLedger =

    /// Before the first input. The heads were noted elsewhere.
    [<CompiledName("Start")>]
    let start (scope: VerificationScope) (heads: SealHead seq) : VerificationLedger = {
        Scope = scope
        Fingerprints = FingerprintMaker()
        Sealed = Dictionary()
        Files = Dictionary()
        Entries = List()
        Marks = Dictionary()
        Overruled = Dictionary()
        Statuses = Dictionary()
        Anchors = SealAnchors.start heads
        Heads = []
        Seals = {
            Valid = 0L
            Forged = 0L
            OutOfOrder = 0L
            Truncated = 0L
            Interrupted = 0L
            Failures = 0L
        }
        Next = 0L
        Receipts = 0L
        BadLines = 0L
        WithLine = 0L
        Fits = Dictionary()
        Superseded = 0L
        IsSealed = 0L
        NotSealed = 0L
        WithoutLine = 0L
        AcceptedUnconfirmed = 0L
        AcceptedUnsealed = 0L
        RejectedUnsealed = 0L
        Failed = 0L
        Unreadable = 0L
    }

    /// Takes the path of a file of the bundle, with `/` between its parts. All of them come before receipts and seals.
    [<CompiledName("AddFile")>]
    let addFile (ledger: VerificationLedger) (path: string) : unit =
        ledger.Files[ledger.Fingerprints.OfText path] <- BundleFact()

    let private state (ledger: VerificationLedger) (receipts: Receipt list) =
        for receipt in receipts do
            ledger.Sealed.TryAdd(ledger.Fingerprints.OfReceipt receipt, false) |> ignore

    let private addMark (ledger: VerificationLedger) (destination: string) (at: DateTimeOffset) isStart =
        let object = ledger.Fingerprints.OfText destination

        let marks =
            match ledger.Marks.TryGetValue object with
            | true, marks -> marks
            | _ ->
                let marks = List()
                ledger.Marks[object] <- marks
                marks

        marks.Add(struct (at.UtcTicks, isStart))

    /// Takes a line of a file of seals, and the head of the file after it.
    [<CompiledName("ReadSeal")>]
    let readSeal (ledger: VerificationLedger) (line: CheckedSeal) (head: SealHead option) : unit =
        let seals = ledger.Seals

        ledger.Seals <-
            match line.Status with
            | SealStatus.Valid -> { seals with Valid = seals.Valid + 1L }
            | SealStatus.Forged _ -> {
                seals with
                    Forged = seals.Forged + 1L
              }
            | SealStatus.OutOfOrder _ -> {
                seals with
                    OutOfOrder = seals.OutOfOrder + 1L
              }
            | SealStatus.Truncated -> {
                seals with
                    Truncated = seals.Truncated + 1L
              }

        match line.Status, line.Statement with
        | SealStatus.Valid, Some statement ->
            if statement.Outcome = SealOutcome.Interrupted then
                ledger.Seals <- {
                    ledger.Seals with
                        Interrupted = ledger.Seals.Interrupted + 1L
                }

            ledger.Seals <- {
                ledger.Seals with
                    Failures = ledger.Seals.Failures + int64 statement.Failures.Length
            }

            state ledger statement.Receipts

            for failure in statement.Failures do
                if failure.MayBeStored then
                    failure.Destination
                    |> Option.iter (fun destination -> addMark ledger destination statement.StartedAt true)
        | _ -> ()

        match head, line.Status with
        | _, SealStatus.Truncated
        | None, _ -> ()
        | Some head, _ ->
            ledger.Anchors <- SealAnchors.step ledger.Anchors head

            // A chain begins with its first line.
            ledger.Heads <-
                match ledger.Heads with
                | before :: others when head.Count > before.Count -> head :: others
                | others -> head :: others

    /// Takes an envelope that another program signed, as `ForeignSeal.check` reports it.
    [<CompiledName("ReadEnvelope")>]
    let readEnvelope (ledger: VerificationLedger) (envelope: Result<Receipt list, string>) : unit =
        let seals = ledger.Seals

        match envelope with
        | Ok receipts ->
            ledger.Seals <- { seals with Valid = seals.Valid + 1L }
            state ledger receipts
        | Error _ ->
            ledger.Seals <- {
                seals with
                    Forged = seals.Forged + 1L
            }

    /// The content, and whether the store confirmed it: a line that anybody can write makes nothing more certain.
    let private contentOf (ledger: VerificationLedger) (receipt: Receipt) =
        let isConfirmed = ReceiptedUploads.isConfirmed receipt.Integrity

        int64 (ledger.Fingerprints.OfText $"{isConfirmed} {receipt.Sha256.ToLowerInvariant()}").First
        ||| 1L

    /// True if a seal states other content of the object of a receipt without a seal, or another confirmation of it.
    let internal isContradicted (ledger: VerificationLedger) (receipt: Receipt) =
        match ledger.Overruled.TryGetValue(ledger.Fingerprints.OfText receipt.Destination) with
        | true, contents -> contents |> List.exists ((<>) (contentOf ledger receipt))
        | _ -> false

    let private fitsOf (ledger: VerificationLedger) (names: BundleNames) =
        match ledger.Fits.TryGetValue names with
        | true, count -> count
        | _ -> 0L

    let private add (ledger: VerificationLedger) (receipt: Receipt) (isSealed: bool) =
        ledger.Entries.Add {
            Object = ledger.Fingerprints.OfText receipt.Destination
            At = receipt.CompletedAt.UtcTicks
            Place = ledger.Next
            SealedContent = if isSealed then contentOf ledger receipt else 0L
        }

        ledger.Next <- ledger.Next + 1L

        if ledger.Scope.HasBundle then
            for names in BundleNames.all do
                if ledger.Files.ContainsKey(ledger.Fingerprints.OfText(BundleNames.nameOf names receipt)) then
                    ledger.Fits[names] <- fitsOf ledger names + 1L

    let private readReceipt (ledger: VerificationLedger) (receipt: Receipt) =
        ledger.Receipts <- ledger.Receipts + 1L

        if not ledger.Scope.HasSeals then
            add ledger receipt false
        else
            let fingerprint = ledger.Fingerprints.OfReceipt receipt

            match ledger.Sealed.TryGetValue fingerprint with
            | false, _ -> add ledger receipt false
            | true, hasLine ->
                add ledger receipt true

                if not hasLine then
                    ledger.Sealed[fingerprint] <- true
                    ledger.WithLine <- ledger.WithLine + 1L

    let private bad (ledger: VerificationLedger) (problem: string) : string option =
        ledger.BadLines <- ledger.BadLines + 1L
        Some problem

    /// Takes a line of a file of receipts. Returns what is wrong with it: a predicate, without a full stop. All seals come before
    /// the receipts.
    [<CompiledName("ReadLine")>]
    let readLine (ledger: VerificationLedger) (line: LogLine) : string option =
        match line with
        | LogLine.Receipt receipt ->
            readReceipt ledger receipt
            None
        | LogLine.Upload mark ->
            addMark ledger mark.Destination mark.At (mark.State = UploadState.Started)
            None
        | LogLine.Damaged(refusal, Some(destination, _)) ->
            bad ledger $"is damaged: the receipt {refusal.Problem}. It may be of {Check.quote destination}"
        | LogLine.Damaged(refusal, None) -> bad ledger $"is damaged: the receipt {refusal.Problem}"
        | LogLine.NoReceipt refusal -> bad ledger $"is not a receipt: it {refusal.Problem}"

    /// Takes the end of a file of receipts, whose lines without an end are among those that were read. Returns what is wrong with it.
    [<CompiledName("ReadTail")>]
    let readTail (ledger: VerificationLedger) (tail: LogTail) : string option =
        match tail with
        | LogTail.Whole
        | LogTail.Mend _ -> None
        | LogTail.Cut _ ->
            bad ledger "is the beginning of a line: it was torn when it was written, or cut later"
        | LogTail.Foreign refusal -> bad ledger $"cannot be read: the {refusal.Subject} {refusal.Problem}"

    /// True if seals state receipts that no line has, so that they have to be read again, for `addSealed` and `judgeSealed`.
    [<CompiledName("NeedsSealed")>]
    let needsSealed (ledger: VerificationLedger) : bool =
        ledger.WithLine < int64 ledger.Sealed.Count

    /// True if a seal states a receipt that no line has.
    let internal hasNoLine (ledger: VerificationLedger) (receipt: Receipt) =
        match ledger.Sealed.TryGetValue(ledger.Fingerprints.OfReceipt receipt) with
        | true, hasLine -> not hasLine
        | _ -> false

    /// Takes a receipt of a valid seal once more, after all lines of receipts.
    [<CompiledName("AddSealed")>]
    let addSealed (ledger: VerificationLedger) (receipt: Receipt) : unit =
        if hasNoLine ledger receipt then
            add ledger receipt true

    let private order =
        Comparison<LedgerEntry>(fun a b ->
            match Fingerprint.compare a.Object b.Object with
            | 0 ->
                match a.At.CompareTo b.At with
                | 0 -> a.Place.CompareTo b.Place
                | order -> order
            | order -> order)

    /// All inputs have been taken in: from here on they are judged.
    [<CompiledName("Close")>]
    let close (ledger: VerificationLedger) : unit =
        let entries = ledger.Entries
        entries.Sort order
        let mutable count = 0
        let mutable first = 0

        for i in 0 .. entries.Count - 1 do
            if i = entries.Count - 1 || not (entries[i].Object.Equals entries[i + 1].Object) then
                if entries[i].SealedContent = 0L then
                    let contents = [
                        for j in first .. i - 1 do
                            if entries[j].SealedContent <> 0L then
                                entries[j].SealedContent
                    ]

                    if not contents.IsEmpty then
                        ledger.Overruled[entries[i].Object] <- List.distinct contents

                entries[count] <- entries[i]
                count <- count + 1
                first <- i + 1

        entries.RemoveRange(count, entries.Count - count)
        ledger.Next <- 0L

    /// Takes the content of a file of the bundle.
    [<CompiledName("ReadFile")>]
    let readFile (ledger: VerificationLedger) (path: string) (length: int64) (sha256: byte[]) : unit =
        match ledger.Files.TryGetValue(ledger.Fingerprints.OfText path) with
        | true, file ->
            file.Length <- length
            file.Sha256 <- sha256
        | _ -> ()

    /// Takes that a file of the bundle cannot be read.
    [<CompiledName("MissFile")>]
    let missFile (ledger: VerificationLedger) (path: string) : unit =
        match ledger.Files.TryGetValue(ledger.Fingerprints.OfText path) with
        | true, file -> file.IsUnreadable <- true
        | _ -> ()

    /// Takes that another input cannot be read.
    [<CompiledName("MissInput")>]
    let missInput (ledger: VerificationLedger) : unit =
        ledger.Unreadable <- ledger.Unreadable + 1L

    /// By what the files of the bundle are named: what most receipts have files by, and of equal ones the first.
    let internal names (ledger: VerificationLedger) =
        BundleNames.all |> List.maxBy (fitsOf ledger)
