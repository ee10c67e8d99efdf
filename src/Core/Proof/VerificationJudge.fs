namespace CellOS.Export.S3.Core

open System

/// Judges what a ledger has taken in, artifact by artifact.
///
/// Rules that this module keeps:
/// - files are compared by the names of artifacts, or by the keys of objects if more receipts find their files by these. Every
///   receipt needs its file, and every file a receipt, by the same kind of name, so that the choice hides nothing;
/// - an upload that started after the receipt of its object, and of which the receipts do not report that nothing was stored,
///   leaves the object in doubt. So does a failure in a seal whose object may have been stored, and whose run began later;
/// - each receipt that counts is reported, each sealed receipt without a line, and each file without a receipt;
/// - the functions are total.
[<RequireQualifiedAccess>]
module VerificationJudge =

    /// The place among the receipts of the one that counts for an object.
    let private counting (ledger: VerificationLedger) (receipt: Receipt) : int64 =
        let object = ledger.Fingerprints.OfText receipt.Destination

        let rec search first stop =
            if first >= stop then
                -1L
            else
                let middle = first + (stop - first) / 2
                let entry = ledger.Entries[middle]

                match Fingerprint.compare object entry.Object with
                | 0 -> entry.Place
                | order when order < 0 -> search first middle
                | _ -> search (middle + 1) stop

        search 0 ledger.Entries.Count

    let private isInDoubt (ledger: VerificationLedger) (receipt: Receipt) =
        match ledger.Marks.TryGetValue(ledger.Fingerprints.OfText receipt.Destination) with
        | true, marks ->
            let later isStart =
                marks
                |> Seq.filter (fun (struct (at, started)) ->
                    at > receipt.CompletedAt.UtcTicks && started = isStart)
                |> Seq.length

            later true > later false
        | _ -> false

    let private hex (file: BundleFact) =
        file.Sha256 |> Option.ofObj |> Option.map Convert.ToHexStringLower

    /// The status by what the store confirmed, if the content is as recorded, and what is wrong.
    let private confirmed (ledger: VerificationLedger) (receipt: Receipt) (asRecorded: ArtifactStatus) =
        if isInDoubt ledger receipt then
            ArtifactStatus.NotConfirmed,
            Some "a later upload of the object began, and the receipts do not tell how it ended",
            false
        elif ReceiptedUploads.isConfirmed receipt.Integrity then
            asRecorded, None, true
        elif receipt.Integrity = Confirmation.Unverified.Name then
            ArtifactStatus.NotConfirmed,
            Some "the store did not confirm what it stored",
            ledger.Scope.AcceptUnverified
        else
            ArtifactStatus.NotConfirmed,
            Some $"the receipt names a confirmation that is not known, {Check.quote receipt.Integrity}",
            false

    let private compared (ledger: VerificationLedger) (receipt: Receipt) =
        let sha256 = receipt.Sha256.ToLowerInvariant()

        if not ledger.Scope.HasBundle then
            confirmed ledger receipt ArtifactStatus.NotCompared, None
        else
            match
                ledger.Files.TryGetValue(
                    ledger.Fingerprints.OfText(BundleNames.nameOf (VerificationLedger.names ledger) receipt)
                )
            with
            | false, _ -> (ArtifactStatus.Missing, Some "the bundle does not have its file", false), None
            | true, file ->
                file.IsClaimed <- true

                if file.IsUnreadable then
                    (ArtifactStatus.NotCompared, Some "its file could not be read", false), Some file
                elif hex file <> Some sha256 then
                    (ArtifactStatus.Altered, Some "its file has another SHA-256 than the receipt", false),
                    Some file
                elif file.Length <> receipt.BytesWritten then
                    (ArtifactStatus.Altered,
                     Some(
                         Check.invariant
                             $"its file has {file.Length} bytes, and the receipt names {receipt.BytesWritten}"
                     ),
                     false),
                    Some file
                else
                    confirmed ledger receipt ArtifactStatus.Intact, Some file

    let private count (ledger: VerificationLedger) (hasFailed: bool) (finding: ArtifactFinding) =
        let statuses = ledger.Statuses

        statuses[finding.Status] <-
            (match statuses.TryGetValue finding.Status with
             | true, count -> count + 1L
             | _ -> 1L)

        if finding.IsUnreadable then
            ledger.Unreadable <- ledger.Unreadable + 1L

        if hasFailed then
            ledger.Failed <- ledger.Failed + 1L

        finding

    let private coverage (ledger: VerificationLedger) (receipt: Receipt) : SealCoverage =
        if not ledger.Scope.HasSeals then
            SealCoverage.NotGiven
        elif ledger.Sealed.ContainsKey(ledger.Fingerprints.OfReceipt receipt) then
            ledger.IsSealed <- ledger.IsSealed + 1L
            SealCoverage.Sealed
        else
            ledger.NotSealed <- ledger.NotSealed + 1L
            SealCoverage.NotSealed

    let private withoutSeal = "no valid seal states its receipt"

    let private contradicted =
        "no valid seal states its receipt, and a valid seal states an earlier one, of other content or confirmation"

    let private withoutLine =
        "a seal states its receipt, which the files of receipts do not contain"

    /// Reports the artifact of a receipt that counts.
    let private found (ledger: VerificationLedger) (receipt: Receipt) (hasLine: bool) : ArtifactFinding =
        let (status, problem, isAccepted), file = compared ledger receipt
        let seal = coverage ledger receipt
        let isUnreadable = file |> Option.exists _.IsUnreadable

        let isUnsealed = seal = SealCoverage.NotSealed

        let isContradicted = isUnsealed && VerificationLedger.isContradicted ledger receipt

        let isRejected = isUnsealed && (isContradicted || not ledger.Scope.AcceptUnsealed)

        let agrees = hasLine && not isRejected

        if status = ArtifactStatus.NotConfirmed && isAccepted then
            ledger.AcceptedUnconfirmed <- ledger.AcceptedUnconfirmed + 1L

        if isRejected then
            ledger.RejectedUnsealed <- ledger.RejectedUnsealed + 1L
        elif isUnsealed then
            ledger.AcceptedUnsealed <- ledger.AcceptedUnsealed + 1L

        count ledger (not agrees || not isAccepted && not isUnreadable) {
            Name = receipt.ArtifactName
            Destination = Some receipt.Destination
            Bytes = Some receipt.BytesWritten
            CompletedAt = Some receipt.CompletedAt
            Status = status
            Seal = seal
            Sha256 = Some(receipt.Sha256.ToLowerInvariant())
            FileSha256 = file |> Option.bind hex
            Problems = [
                yield! Option.toList problem

                if isContradicted then
                    contradicted
                elif seal = SealCoverage.NotSealed then
                    withoutSeal

                if not hasLine then
                    withoutLine
            ]
            IsUnreadable = isUnreadable
            IsGood = isAccepted && agrees
        }

    /// Reports a receipt that does not count, if it is sealed and has no line: the content of its object is that of another
    /// receipt. A receipt without a seal does no harm once a later one counts.
    let private superseded (ledger: VerificationLedger) (receipt: Receipt) (hasLine: bool) =
        ledger.Superseded <- ledger.Superseded + 1L
        let seal = coverage ledger receipt

        if hasLine then
            None
        else
            count ledger true {
                Name = receipt.ArtifactName
                Destination = Some receipt.Destination
                Bytes = Some receipt.BytesWritten
                CompletedAt = Some receipt.CompletedAt
                Status = ArtifactStatus.NotCompared
                Seal = seal
                Sha256 = Some(receipt.Sha256.ToLowerInvariant())
                FileSha256 = None
                Problems = [
                    "a seal states an earlier receipt of it, which the files of receipts do not contain"
                ]
                IsUnreadable = false
                IsGood = false
            }
            |> Some

    let private judgeAt (ledger: VerificationLedger) (receipt: Receipt) (hasLine: bool) =
        let place = ledger.Next
        ledger.Next <- place + 1L

        if counting ledger receipt = place then
            Some(found ledger receipt hasLine)
        else
            superseded ledger receipt hasLine

    /// Reports the artifact of a receipt, if that counts.
    [<CompiledName("Judge")>]
    let judge (ledger: VerificationLedger) (receipt: Receipt) : ArtifactFinding option =
        judgeAt ledger receipt true

    /// Reports the artifact of a receipt of a valid seal, if no line has it. All lines of receipts come before.
    [<CompiledName("JudgeSealed")>]
    let judgeSealed (ledger: VerificationLedger) (receipt: Receipt) : ArtifactFinding option =
        if not (VerificationLedger.hasNoLine ledger receipt) then
            None
        else
            // Without files of receipts, no line is missing.
            let isMissing = ledger.Scope.HasReceipts

            if isMissing then
                ledger.WithoutLine <- ledger.WithoutLine + 1L

            judgeAt ledger receipt (not isMissing)

    /// Reports a file of the bundle that no receipt is for. All receipts and seals come before.
    [<CompiledName("JudgeFile")>]
    let judgeFile (ledger: VerificationLedger) (path: string) : ArtifactFinding option =
        match ledger.Files.TryGetValue(ledger.Fingerprints.OfText path) with
        | true, file when not file.IsClaimed ->
            count ledger true {
                Name = path
                Destination = None
                Bytes = (if file.IsUnreadable then None else Some file.Length)
                CompletedAt = None
                Status = ArtifactStatus.Unexpected
                Seal = SealCoverage.NotGiven
                Sha256 = None
                FileSha256 = hex file
                Problems = [ "no receipt is for this file" ]
                IsUnreadable = false
                IsGood = false
            }
            |> Some
        | _ -> None

    /// What all of it came to.
    [<CompiledName("Result")>]
    let result (ledger: VerificationLedger) : VerificationResult = {
        Scope = ledger.Scope
        Artifacts = [
            for status in ArtifactStatus.All ->
                status,
                (match ledger.Statuses.TryGetValue status with
                 | true, count -> count
                 | _ -> 0L)
        ]
        Failed = ledger.Failed
        Unreadable = ledger.Unreadable
        Receipts = ledger.Receipts
        Superseded = ledger.Superseded
        BadLines = ledger.BadLines
        Sealed = ledger.IsSealed
        NotSealed = ledger.NotSealed
        AcceptedUnconfirmed = ledger.AcceptedUnconfirmed
        AcceptedUnsealed = ledger.AcceptedUnsealed
        RejectedUnsealed = ledger.RejectedUnsealed
        WithoutLine = ledger.WithoutLine
        Seals = ledger.Seals
        Anchors = ledger.Anchors
        Heads = List.rev ledger.Heads
        Names = if ledger.Scope.HasBundle then Some(VerificationLedger.names ledger) else None
    }
