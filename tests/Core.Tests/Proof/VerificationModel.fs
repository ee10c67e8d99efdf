/// A verification of files that are in memory, as a program runs it over files on a disk.
module CellOS.Export.S3.Core.Tests.VerificationModel

open System
open System.Security.Cryptography
open CellOS.Export.S3.Core

/// What an auditor has.
type Evidence = {
    /// Files of receipts.
    Receipts: byte[] list
    /// Files of seals.
    Seals: byte[] list
    /// Envelopes that other programs signed.
    Envelopes: byte[] list
    /// The files of a bundle; `None` if none was given.
    Bundle: Map<string, byte[]> option
    /// Heads that were noted elsewhere.
    Heads: SealHead list
    /// Public keys.
    Keys: SealKeys
    AcceptUnverified: bool
    AcceptUnsealed: bool
}

/// What a verification reported.
type Report = {
    /// In the order in which they were found.
    Findings: ArtifactFinding list
    /// What is wrong with lines of receipts.
    Lines: string list
    Seals: CheckedSeal list
    Result: VerificationResult
}

let private linesOf (file: byte[]) : LogLine list * LogTail =
    let struct (scan, lines) = ReceiptLog.step ReceiptForms.start (ReadOnlyMemory file)
    let tail = ReceiptLog.finish scan

    List.map _.Line lines
    @ (match tail with
       | LogTail.Mend(lines, _) -> lines
       | _ -> []),
    tail

/// The receipts of a file, and whether nothing else is in it.
let receiptsOf (file: byte[]) : Receipt list * bool =
    let lines, tail = linesOf file

    List.choose
        (function
        | LogLine.Receipt receipt -> Some receipt
        | _ -> None)
        lines,
    lines |> List.forall _.IsReceipt
    && (match tail with
        | LogTail.Whole
        | LogTail.Mend _ -> true
        | _ -> false)

/// The lines of a file of seals with the heads after them.
let private sealsOf (keys: SealKeys) (file: byte[]) : (CheckedSeal * SealHead option) list =
    let rec from scan (rest: ReadOnlyMemory<byte>) found =
        match rest.Span.IndexOf(byte '\n') with
        | -1 ->
            List.rev found
            @ (SealChain.finish scan rest |> Option.toList |> List.map (fun line -> line, None))
        | stop ->
            let struct (scan, line) = SealChain.step keys scan (rest.Slice(0, stop))
            from scan (rest.Slice(stop + 1)) ((line, SealChain.head scan) :: found)

    from SealChain.start (ReadOnlyMemory file) []

/// Runs a verification.
let verify (given: Evidence) : Report =
    let ledger =
        VerificationLedger.start
            {
                HasReceipts = not given.Receipts.IsEmpty
                HasSeals = not (given.Seals.IsEmpty && given.Envelopes.IsEmpty)
                HasBundle = given.Bundle.IsSome
                AcceptUnverified = given.AcceptUnverified
                AcceptUnsealed = given.AcceptUnsealed
            }
            given.Heads

    let files = given.Bundle |> Option.defaultValue Map.empty

    for path in files.Keys do
        VerificationLedger.addFile ledger path

    let seals = given.Seals |> List.map (sealsOf given.Keys)

    for line, head in List.concat seals do
        VerificationLedger.readSeal ledger line head

    let envelopes =
        given.Envelopes
        |> List.map (fun json -> ForeignSeal.check given.Keys (ReadOnlyMemory json))

    List.iter (VerificationLedger.readEnvelope ledger) envelopes
    let logs = given.Receipts |> List.map linesOf

    let problems = [
        for lines, tail in logs do
            yield! List.choose (VerificationLedger.readLine ledger) lines
            yield! VerificationLedger.readTail ledger tail |> Option.toList
    ]

    let stated = [
        for line, _ in List.concat seals do
            match line.Status, line.Statement with
            | SealStatus.Valid, Some statement -> yield! statement.Receipts
            | _ -> ()

        for envelope in envelopes do
            match envelope with
            | Ok receipts -> yield! receipts
            | Error _ -> ()
    ]

    let stated = if VerificationLedger.needsSealed ledger then stated else []
    List.iter (VerificationLedger.addSealed ledger) stated
    VerificationLedger.close ledger

    for KeyValue(path, content) in files do
        VerificationLedger.readFile ledger path content.LongLength (SHA256.HashData content)

    let findings = [
        for lines, _ in logs do
            for line in lines do
                match line with
                | LogLine.Receipt receipt -> yield! VerificationJudge.judge ledger receipt |> Option.toList
                | _ -> ()

        for receipt in stated do
            yield! VerificationJudge.judgeSealed ledger receipt |> Option.toList

        for path in files.Keys do
            yield! VerificationJudge.judgeFile ledger path |> Option.toList
    ]

    {
        Findings = findings
        Lines = problems
        Seals = List.concat seals |> List.map fst
        Result = VerificationJudge.result ledger
    }
