namespace CellOS.Export.S3.Core

open System

/// What an artifact is worth.
[<RequireQualifiedAccess>]
type ArtifactStatus =
    /// The file has the length and the SHA-256 of the receipt, and the store confirmed what it stored.
    | Intact
    /// The file has another length or another SHA-256 than the receipt.
    | Altered
    /// There is no file for the receipt.
    | Missing
    /// There is no receipt for the file.
    | Unexpected
    /// The store did not confirm what it stored, or a later upload of the object began whose end is unknown.
    | NotConfirmed
    /// The store confirmed what it stored, and there is nothing to compare the receipt with.
    | NotCompared

    /// The name in reports.
    member this.Name =
        match this with
        | Intact -> "intact"
        | Altered -> "altered"
        | Missing -> "missing"
        | Unexpected -> "unexpected"
        | NotConfirmed -> "not confirmed"
        | NotCompared -> "not compared"

    /// All statuses, the worst first.
    static member All = [ Altered; Missing; Unexpected; NotConfirmed; NotCompared; Intact ]

/// Whether a valid seal states a receipt.
[<RequireQualifiedAccess>]
type SealCoverage =
    /// No seals were given.
    | NotGiven
    /// A valid seal states it.
    | Sealed
    /// No valid seal states it.
    | NotSealed

    /// The name in reports; empty if no seals were given.
    member this.Name =
        match this with
        | NotGiven -> ""
        | Sealed -> "sealed"
        | NotSealed -> "not sealed"

/// How the files of a bundle are named.
[<RequireQualifiedAccess>]
type BundleNames =
    /// By the names of artifacts.
    | Artifacts
    /// By the keys of objects; of other targets than S3, by cell and artifact (`cell-7/report.json`).
    | Keys
    /// By bucket and key (`my-bucket/cell-7/report.json`), in a folder for each bucket; of other targets as by `Keys`.
    | Buckets

    /// The words in reports.
    member this.Name =
        match this with
        | Artifacts -> "artifact names"
        | Keys -> "object keys, or cell and artifact"
        | Buckets -> "bucket and object key, or cell and artifact"

/// Names the files of a bundle.
[<RequireQualifiedAccess>]
module internal BundleNames =

    /// All ways, the usual first.
    let all = [ BundleNames.Artifacts; BundleNames.Keys; BundleNames.Buckets ]

    let private withoutScheme (destination: string) =
        if destination.StartsWith("s3://", StringComparison.Ordinal) then
            destination.Substring 5
        else
            destination

    /// The name of the file of a receipt.
    let nameOf (names: BundleNames) (receipt: Receipt) : string =
        match names with
        | BundleNames.Artifacts -> receipt.ArtifactName
        | BundleNames.Keys when receipt.TargetKind = TargetKind.S3.Name -> SealStatement.subjectName receipt
        | BundleNames.Buckets when receipt.TargetKind = TargetKind.S3.Name ->
            withoutScheme receipt.Destination
        // The folders of a local target, and what is usual below a base URL.
        | BundleNames.Keys
        | BundleNames.Buckets -> $"{receipt.CellId}/{receipt.ArtifactName}"

/// What is to be verified, and what is accepted.
type VerificationScope = {
    /// True if files of receipts were given; otherwise the receipts are those that the seals state.
    HasReceipts: bool
    /// True if seals were given.
    HasSeals: bool
    /// True if a bundle was given.
    HasBundle: bool
    /// True if receipts that are `unverified` are accepted.
    AcceptUnverified: bool
    /// True if receipts that no valid seal states are accepted.
    AcceptUnsealed: bool
}

/// What was found of one artifact: of a receipt that counts, of a sealed receipt without a line, or of a file without a receipt.
type ArtifactFinding = {
    /// The name of the artifact, or of the file.
    Name: string
    /// The logical address of the object; `None` for an unexpected file.
    Destination: string option
    /// The number of bytes that the receipt names; of an unexpected file that was read, its length.
    Bytes: int64 option
    /// When the upload was completed, as the receipt names it.
    CompletedAt: DateTimeOffset option
    /// What it is worth.
    Status: ArtifactStatus
    /// Whether its receipt is sealed.
    Seal: SealCoverage
    /// The SHA-256 of the receipt.
    Sha256: string option
    /// The SHA-256 of the file.
    FileSha256: string option
    /// What is wrong, a clause each, without a full stop.
    Problems: string list
    /// True if the file could not be read, so that it was not compared.
    IsUnreadable: bool
    /// True if nothing is wrong that the caller does not accept.
    IsGood: bool
}

/// The lines of files of seals, and envelopes of other programs, by what they are worth.
type SealCounts = {
    /// Lines that are valid.
    Valid: int64
    /// Lines that are forged.
    Forged: int64
    /// Lines that are out of order.
    OutOfOrder: int64
    /// Lines that are truncated.
    Truncated: int64
    /// Of the valid ones, those of runs that were interrupted.
    Interrupted: int64
    /// The number of artifacts that the valid ones state as not exported.
    Failures: int64
} with

    /// The number of lines.
    member this.Lines = this.Valid + this.Forged + this.OutOfOrder + this.Truncated

    /// The number of lines that are not valid.
    member this.Bad = this.Lines - this.Valid

/// All of a verification. A page or a report can be made of it, and of the findings that came before it.
type VerificationResult = {
    /// What was verified.
    Scope: VerificationScope
    /// The number of artifacts of each status, the worst first.
    Artifacts: (ArtifactStatus * int64) list
    /// The number of artifacts with something wrong that is not accepted; unreadable ones are not among them.
    Failed: int64
    /// The number of artifacts whose files could not be read, and of other inputs that could not be.
    Unreadable: int64
    /// The number of receipts that were read from files of receipts.
    Receipts: int64
    /// The number of receipts that do not count, since a later receipt of the same object does.
    Superseded: int64
    /// The number of lines in files of receipts that are damaged, torn, or not receipts.
    BadLines: int64
    /// The number of receipts that a valid seal states.
    Sealed: int64
    /// The number of receipts that no valid seal states.
    NotSealed: int64
    /// The number of artifacts that the store did not confirm, and that were accepted all the same.
    AcceptedUnconfirmed: int64
    /// The number of artifacts whose receipts no valid seal states, and that were accepted all the same.
    AcceptedUnsealed: int64
    /// The number of artifacts whose receipts no valid seal states, and that were not accepted.
    RejectedUnsealed: int64
    /// The number of sealed receipts that the files of receipts do not contain.
    WithoutLine: int64
    /// The lines of seals.
    Seals: SealCounts
    /// The heads that were noted elsewhere.
    Anchors: SealAnchor list
    /// The heads of the files of seals, in the order of reading.
    Heads: SealHead list
    /// How the files of the bundle are named; `None` without a bundle.
    Names: BundleNames option
} with

    /// The number of artifacts.
    member this.Count = this.Artifacts |> List.sumBy snd

    /// True if seals were read, and the last line of each file of them is a head that was noted elsewhere.
    member this.IsAnchored =
        not this.Heads.IsEmpty
        && this.Heads
           |> List.forall (fun head -> this.Anchors |> List.exists (fun anchor -> anchor.Head = head))

    /// True if the heads that were noted elsewhere are all there, and a file of seals goes on after them.
    member this.HasOldHead =
        not this.Anchors.IsEmpty
        && not this.IsAnchored
        && this.Anchors
           |> List.forall (fun anchor -> anchor.Status = AnchorStatus.Contained)

    /// True if there was nothing to verify: no artifact, and no seal.
    member this.IsEmpty = this.Count = 0L && this.Seals.Lines = 0L && this.BadLines = 0L

    /// True if a check failed.
    member this.HasFailed =
        this.IsEmpty
        || this.Failed > 0L
        || this.BadLines > 0L
        || this.Seals.Bad > 0L
        || this.Anchors
           |> List.exists (fun anchor -> anchor.Status <> AnchorStatus.Contained)

    /// True if everything was checked, and nothing is wrong that is not accepted.
    member this.IsGood = not this.HasFailed && this.Unreadable = 0L

/// Tells what a verification came to.
[<RequireQualifiedAccess>]
module VerificationResult =

    let private artifacts = Amount.counted "artifact"

    /// The number of artifacts of a status.
    [<CompiledName("Count")>]
    let count (status: ArtifactStatus) (result: VerificationResult) : int64 =
        result.Artifacts |> List.find (fst >> (=) status) |> snd

    /// What is wrong, a clause each.
    [<CompiledName("Problems")>]
    let problems (result: VerificationResult) : string list =
        let hasAnchor status =
            result.Anchors |> List.exists (fun anchor -> anchor.Status = status)

        [
            if result.IsEmpty then
                "there is nothing to verify: no receipt, no seal and no file was found"

            if result.Failed > 0L then
                let are = if result.Failed = 1L then "is" else "are"
                $"{Amount.number result.Failed} of {artifacts result.Count} {are} not as recorded"

            if result.BadLines > 0L then
                let lines = Amount.counted "line" result.BadLines
                $"{lines} of the receipts cannot be relied on"

            if result.Seals.Bad > 0L then
                let seals = Amount.counted "seal" result.Seals.Lines
                $"{Amount.number result.Seals.Bad} of {seals} failed"

            if hasAnchor AnchorStatus.Removed then
                "seals were removed, which the given head shows"

            if hasAnchor AnchorStatus.Replaced then
                "the seals are not those of the given head"

            if result.Unreadable > 0L then
                let inputs = Amount.counted "input" result.Unreadable
                $"{inputs} could not be read"
        ]

    let internal noBundle = "No file was compared: give the evidence with --bundle DIR."

    let internal noSeals =
        "No seal was checked, and anybody can write a receipt: give seals and keys with --seals FILE --key FILE."

    let internal noHead =
        "No head was given, so that seals that were removed from the end do not show: give --head COUNT:SHA256."

    let internal oldHead =
        "A file of seals goes on after the given heads, and seals that were removed from its end do not show: give the newest head of each file with --head COUNT:SHA256."

    /// What was not checked, since it was not given, a sentence each.
    [<CompiledName("Limits")>]
    let limits (result: VerificationResult) : string list =
        let scope = result.Scope

        [
            if not scope.HasBundle then
                noBundle

            if not scope.HasSeals then
                noSeals
            elif result.Anchors.IsEmpty then
                noHead
            elif result.HasOldHead then
                oldHead
        ]

    /// What is wrong and was accepted, with its number.
    let internal accepted (result: VerificationResult) : string list =
        [
            result.AcceptedUnconfirmed, "not confirmed by the store"
            result.AcceptedUnsealed, "not sealed"
        ]
        |> List.filter (fst >> (<) 0L)
        |> List.map (fun (count, what) -> $"{Amount.number count} {what}")

    /// The verdict in plain words, one sentence.
    [<CompiledName("Verdict")>]
    let verdict (result: VerificationResult) : string =
        match problems result with
        | [] ->
            let scope = result.Scope

            let proof =
                match scope.HasSeals, scope.HasBundle with
                | true, true -> "is sealed and has the content that was exported"
                | true, false -> "has a sealed receipt"
                | false, true -> "has the content that its receipt names"
                | false, false -> "has a receipt that the store confirmed"

            let except =
                match accepted result with
                | [] -> ""
                | accepted ->
                    let list = String.concat ", " accepted
                    $", except what was accepted ({list})"

            if result.Count = 0L then
                "VERIFIED: the seals are valid, and state that nothing was stored."
            else
                $"VERIFIED: each of {artifacts result.Count} {proof}{except}."
        | problems ->
            let word = if result.HasFailed then "FAILED" else "INCOMPLETE"
            let reasons = String.concat "; " problems
            $"{word}: {reasons}."
