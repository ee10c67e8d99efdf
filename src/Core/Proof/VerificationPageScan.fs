namespace CellOS.Export.S3.Core

open System

/// An artifact in the table of a page. All texts are for display.
type ArtifactRow = {
    /// The name of the artifact, or of the file.
    Name: string
    /// The logical address of the object.
    Destination: string option
    /// What it is, in a word or two.
    Word: string
    /// `sealed` or `not sealed`; empty if no seals were given.
    Seal: string
    /// The number of bytes that the receipt names, or the length of an unexpected file.
    Bytes: int64 option
    /// When the upload was completed.
    CompletedAt: string option
    /// The SHA-256 of the receipt.
    Sha256: string option
    /// The SHA-256 of the file, if it is another one.
    FileSha256: string option
    /// What is wrong, accepted or not; empty if nothing is.
    Problem: string
    /// True if nothing is wrong that was not accepted.
    IsGood: bool
    /// True if its file was compared, and nothing is wrong at all.
    IsIntact: bool
}

/// A line of a file of seals, or an envelope of another program, on a page. All texts are for display.
type SealRow = {
    /// The file.
    File: string
    /// The number of the line from 1; 0 for an envelope.
    Number: int64
    /// What it is worth, in a word or two.
    Word: string
    /// What is wrong; empty if nothing is.
    Problem: string
    /// The run that it states, and its counts; empty if it states none that can be relied on.
    Run: string
    /// True if it is valid.
    IsGood: bool
}

/// What a page shows of what a verification has found so far, in memory that does not grow with it.
type VerificationPageScan = private {
    /// The last one comes first.
    Failures: ReportLine list
    FailureCount: int64
    Artifacts: Excerpt<ArtifactRow>
    Seals: Excerpt<SealRow>
    Timeline: Timeline
}

/// Takes in what a verification finds, as it is found, for a page.
///
/// Rules that this module keeps:
/// - memory has a limit, whatever the number of artifacts, seals and failures;
/// - all texts that come from files are visible, on one line and without secrets, as in the report on standard output.
[<RequireQualifiedAccess>]
module VerificationPageScan =

    /// The most failures in the list of what failed first.
    [<Literal>]
    let MostFailures = 100

    /// The most artifacts that failed, and the most others, in the table.
    [<Literal>]
    let MostArtifacts = 5000

    /// The most seals that are not valid, and the most valid ones.
    [<Literal>]
    let MostSeals = 200

    /// Before the first finding.
    [<CompiledName("Start")>]
    let start: VerificationPageScan = {
        Failures = []
        FailureCount = 0L
        Artifacts = Excerpt.start MostArtifacts
        Seals = Excerpt.start MostSeals
        Timeline = Timeline.start
    }

    let private fail (line: ReportLine) (scan: VerificationPageScan) = {
        scan with
            FailureCount = scan.FailureCount + 1L
            Failures =
                if scan.FailureCount < int64 MostFailures then
                    line :: scan.Failures
                else
                    scan.Failures
    }

    let private failIf (line: ReportLine option) (scan: VerificationPageScan) =
        match line with
        | Some line -> fail line scan
        | None -> scan

    let private runOf (seal: CheckedSeal) (statement: SealStatement) : TimelineRun = {
        Name = $"{Shown.name statement.CellId} to {Shown.name statement.TargetName}"
        StartedAt = statement.StartedAt
        FinishedAt = statement.FinishedAt
        Stored = statement.Receipts.Length
        Failed = statement.Failures.Length
        IsInterrupted = statement.Outcome = SealOutcome.Interrupted
        IsValid = seal.Status = SealStatus.Valid
    }

    let private sealRow (file: string) (seal: CheckedSeal) (run: TimelineRun option) : SealRow = {
        File = file
        Number = seal.Number
        Word = seal.Status.Name
        Problem = seal.Status.Problem |> Option.map Shown.sentence |> Option.defaultValue ""
        Run =
            match run with
            | Some run -> $"{TimeWords.moment run.StartedAt}, {run.Name}: {Timeline.countsOf run}"
            | None -> ""
        IsGood = seal.Status = SealStatus.Valid
    }

    /// Takes a line of a file of seals, or an envelope, whose number is 0. The name of the file is for display.
    [<CompiledName("AddSeal")>]
    let addSeal (file: string) (seal: CheckedSeal) (scan: VerificationPageScan) : VerificationPageScan =
        let run = seal.Statement |> Option.map (runOf seal)

        {
            failIf (VerificationWords.ofSeal file seal) scan with
                Seals =
                    Excerpt.add (seal.Status = SealStatus.Valid) (fun () -> sealRow file seal run) scan.Seals
                Timeline =
                    match run with
                    | Some run -> Timeline.add run scan.Timeline
                    | None -> scan.Timeline
        }

    /// Takes a line of a file of receipts that cannot be relied on: see `VerificationWords.ofLine`.
    [<CompiledName("AddLine")>]
    let addLine (file: string) (number: int64) (problem: string) (scan: VerificationPageScan) =
        fail (VerificationWords.ofLine file number problem) scan

    /// Takes something that cannot be read, as a sentence.
    [<CompiledName("AddUnreadable")>]
    let addUnreadable (problem: string) (scan: VerificationPageScan) : VerificationPageScan =
        fail (VerificationWords.ofUnreadable problem) scan

    let private artifactRow (finding: ArtifactFinding) () : ArtifactRow = {
        Name = Shown.artifact finding.Name
        Destination = VerificationWords.destination finding
        Word = VerificationWords.word finding
        Seal = finding.Seal.Name
        Bytes = finding.Bytes
        CompletedAt = finding.CompletedAt |> Option.map TimeWords.moment
        Sha256 = finding.Sha256
        FileSha256 =
            finding.FileSha256
            |> Option.filter (fun sha256 -> Some sha256 <> finding.Sha256)
        Problem = finding.Problems |> String.concat "; " |> Shown.sentence
        IsGood = finding.IsGood
        IsIntact = finding.Status = ArtifactStatus.Intact && finding.Problems.IsEmpty
    }

    /// Takes an artifact.
    [<CompiledName("AddArtifact")>]
    let addArtifact (finding: ArtifactFinding) (scan: VerificationPageScan) : VerificationPageScan = {
        failIf (VerificationWords.ofArtifact finding) scan with
            Artifacts = Excerpt.add finding.IsGood (artifactRow finding) scan.Artifacts
    }
