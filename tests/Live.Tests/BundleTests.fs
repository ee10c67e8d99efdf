/// Bundles through the command line, with everything ending in the middle: the tool, the gateway, the disk.
module Live.Tests.BundleTests

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Text.Json
open System.Threading.Tasks
open CellOS.Export.S3.Core
open Expecto
open Live.Tests.Evidence
open Live.Tests.Store

let private root =
    let rec up (folder: DirectoryInfo | null) =
        match folder with
        | null -> failwith "the repository's root was not found above the tests"
        | folder when File.Exists(Path.Combine(folder.FullName, "CellOS.Export.S3.sln")) -> folder.FullName
        | folder -> up folder.Parent

    up (DirectoryInfo AppContext.BaseDirectory)

/// The program of the command line.
let tool =
    let configuration =
        (nonNull (DirectoryInfo(AppContext.BaseDirectory.TrimEnd('/', '\\')).Parent)).Name

    Path.Combine(root, "src", "Cli", "bin", configuration, "net10.0", "cellos-export-s3.dll")

/// So many artifacts with a URL for each, a spec, and where the receipts go.
type private Bundle(folder: Folder, bucket: string, cell: string, count: int) =
    let names = [ for i in 1..count -> $"d{i % 10}/f{i}.bin" ]
    let out = folder.At "out"
    let spec = folder.At "cell.yaml"
    let urls = folder.At "urls.json"
    let receipts = folder.At "receipts.jsonl"

    do
        let random = Random count

        for name in names do
            let bytes = Array.zeroCreate<byte>(random.Next(0, 20_000))
            random.NextBytes bytes
            folder.Write(Path.Join("out", name), bytes) |> ignore

        File.WriteAllText(
            spec,
            $"export:\n  targets:\n    - name: evidence\n      kind: s3\n      bucket: {bucket}\n      region: {region ()}\n"
        )

        let table = Dictionary<string, string>()

        for name in names do
            table[name] <- presign bucket $"{cell}/{name}"

        File.WriteAllText(urls, JsonSerializer.Serialize table)

    /// The tool, at work on what has no receipt yet.
    member _.Push(more: (string * string) list) =
        let info =
            ProcessStartInfo(
                "dotnet",
                [
                    tool
                    "push"
                    "--spec"
                    spec
                    "--cell-id"
                    cell
                    "--receipts"
                    receipts
                    "--resume"
                    "--concurrency"
                    "8"
                    "--quiet"
                    out
                ],
                RedirectStandardOutput = true,
                RedirectStandardError = true
            )

        info.Environment["CELLOS_EXPORT_S3_PRESIGNED_URLS_FILE__EVIDENCE"] <- urls

        for name, value in more do
            info.Environment[name] <- value

        nonNull (Process.Start info)

    /// The receipts that a tool which is no more has left; a line that it did not finish does not count.
    member _.Receipts() =
        let text = File.ReadAllText receipts

        [
            for line in
                text
                    .Substring(0, text.LastIndexOf '\n' + 1)
                    .Split('\n', StringSplitOptions.RemoveEmptyEntries) ->
                Expect.wantOk (Receipt.parse line) line
        ]

    /// Every artifact has a receipt, and every receipt is true.
    member _.IsWhole() =
        task {
            let read =
                File.ReadAllLines receipts
                |> Array.map (fun line -> Expect.wantOk (Receipt.parse line) line)

            Expect.sequenceEqual
                (read |> Seq.map _.ArtifactName |> Seq.distinct |> Seq.sort)
                (Seq.sort names)
                "every artifact is receipted"

            let! keys = keysBelow bucket $"{cell}/"

            Expect.sequenceEqual
                keys
                (names |> List.map (fun name -> $"{cell}/{name}") |> Set.ofList)
                "the store has them, and nothing else"

            for receipt in read do
                let! found = readBack bucket $"{cell}/{receipt.ArtifactName}"
                let stored = Expect.wantSome found receipt.ArtifactName
                Expect.equal stored.Sha256 receipt.Sha256 "what the receipt says"

                Expect.equal
                    stored.Sha256
                    (sha256Of (Path.Join(out, receipt.ArtifactName)))
                    "what the file holds"
        }

let private receiptsAfter (tool: Process) (count: int) =
    task {
        for _ in 1..count do
            let! line = tool.StandardOutput.ReadLineAsync()
            Expect.isNotNull line "it goes on"
    }

/// The tool does not outlive a test that failed.
let private endingWith (tool: Process) = {
    new IDisposable with
        member _.Dispose() =
            if not tool.HasExited then
                tool.Kill()
}

/// The exit code, and what it said; `told` counts the lines meanwhile.
let private endedTelling (told: int ref) (tool: Process) =
    task {
        let error = tool.StandardError.ReadToEndAsync()
        let mutable more = true

        while more do
            let! line = tool.StandardOutput.ReadLineAsync()
            more <- not (isNull line)

            if more then
                told.Value <- told.Value + 1

        let! error = error
        do! tool.WaitForExitAsync()
        return tool.ExitCode, error
    }

let private ended (tool: Process) = endedTelling (ref 0) tool

let private controlled (arguments: string list) =
    task {
        use control =
            nonNull (Process.Start(ProcessStartInfo(control (), arguments, RedirectStandardError = true)))

        let! error = control.StandardError.ReadToEndAsync()
        do! control.WaitForExitAsync()
        Expect.equal control.ExitCode 0 error
    }

/// What lasts out a store that is away for some seconds.
let private patient = [
    "CELLOS_EXPORT_S3_MAX_ATTEMPTS__EVIDENCE", "60"
    "CELLOS_EXPORT_S3_RETRY_BACKOFF_MS__EVIDENCE", "250"
    // Shorter than the store is away: without its disk the gateway takes requests, and answers none.
    "CELLOS_EXPORT_S3_TIMEOUT_MS", "2000"
]

[<Tests>]
let tests =
    testSequenced (
        testList "a bundle" [
            testCaseTask "of 1,000 artifacts, killed and resumed, is whole" (fun () ->
                task {
                    let! bucket = plainBucket ()
                    use folder = new Folder()
                    let bundle = Bundle(folder, bucket, newCell "bundle", 1000)

                    for count in [ 1; 100; 300 ] do
                        use tool = bundle.Push []
                        do! receiptsAfter tool count
                        tool.Kill()
                        do! tool.WaitForExitAsync()
                        Expect.notEqual tool.ExitCode 0 "it was killed at work"
                        Expect.isLessThan (bundle.Receipts().Length) 1000 "with some left to do"

                    use tool = bundle.Push []
                    let before = bundle.Receipts() |> List.map _.ArtifactName
                    let! code, error = ended tool
                    Expect.equal code 0 error
                    do! bundle.IsWhole()

                    // A receipt that a kill cut in two is made again; the others are not.
                    Expect.isGreaterThan before.Length 300 "it went on where it was"
                    Expect.equal (bundle.Receipts().Length) 1000 "each artifact is receipted once"
                })

            for daemon in [ "rgw"; "osd" ] do
                testCaseTask $"loses nothing when {daemon} ends in the middle and comes again" (fun () ->
                    task {
                        let! bucket = plainBucket ()
                        control () |> ignore
                        use folder = new Folder()
                        let bundle = Bundle(folder, bucket, newCell daemon, 600)
                        use tool = bundle.Push patient
                        use _ = endingWith tool
                        do! receiptsAfter tool 100
                        // Nobody reads its output meanwhile, so it cannot end before the store does.
                        do! controlled [ "stop"; daemon ]

                        // From here on only the store holds it up.
                        let told = ref 0
                        let ended = endedTelling told tool

                        let! before, after =
                            task {
                                try
                                    do! Task.Delay 1000
                                    let before = told.Value
                                    do! Task.Delay 4000
                                    return before, told.Value
                                finally
                                    (controlled [ "start"; daemon ]).GetAwaiter().GetResult()
                            }

                        Expect.isFalse tool.HasExited "it waits for the store"
                        Expect.equal after before "and gets no receipt from it"
                        let! code, error = ended
                        Expect.equal code 0 error
                        do! bundle.IsWhole()

                        Expect.isTrue
                            (bundle.Receipts() |> List.exists (fun receipt -> receipt.Attempts > 1))
                            "what the store did not take was tried again"
                    })

            testCaseTask
                "that the store left for good is told as failures, and resumed when it is back"
                (fun () ->
                    task {
                        let! bucket = plainBucket ()
                        control () |> ignore
                        use folder = new Folder()
                        let bundle = Bundle(folder, bucket, newCell "away", 200)

                        let hasty = [
                            "CELLOS_EXPORT_S3_MAX_ATTEMPTS__EVIDENCE", "2"
                            "CELLOS_EXPORT_S3_RETRY_BACKOFF_MS__EVIDENCE", "10"
                        ]

                        use tool = bundle.Push hasty
                        use _ = endingWith tool
                        do! receiptsAfter tool 50
                        do! controlled [ "stop"; "rgw" ]

                        let! code, error =
                            task {
                                try
                                    return! ended tool
                                finally
                                    (controlled [ "start"; "rgw" ]).GetAwaiter().GetResult()
                            }

                        Expect.equal code 1 error
                        Expect.isLessThan (bundle.Receipts().Length) 200 "not all were taken"
                        use tool = bundle.Push []
                        let! code, error = ended tool
                        Expect.equal code 0 error
                        do! bundle.IsWhole()
                    })
        ]
    )
