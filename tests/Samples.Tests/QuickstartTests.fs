/// The quickstart, as `./build.sh quickstart` runs it.
module Samples.Tests.QuickstartTests

open System
open System.Diagnostics
open System.IO
open System.Net.Http
open System.Text.Json.Nodes
open System.Text.RegularExpressions
open System.Threading.Tasks
open Expecto
open LoopbackS3
open Samples.Tests.Presigning
open Samples.Tests.Script

let private program =
    Path.Combine(root, "samples", "Quickstart", "bin", BrokerProcess.built, "Quickstart.dll")

let private quickstart (variables: (string * string) list) (arguments: string list) =
    task {
        use folder = new Folder()
        return! start folder.Path variables "dotnet" (program :: arguments) ""
    }

/// The receipts that were printed: the name of each artifact, with its destination.
let private receipts (ran: Ran) = [
    for line in ran.Output.Split '\n' do
        if line.StartsWith '{' then
            let receipt = nonNull (JsonNode.Parse line)
            text [ "artifactName" ] receipt, text [ "destination" ] receipt
]

let private number (pattern: string) (ran: Ran) =
    let found = Regex.Match(ran.Output, pattern)
    Expect.isTrue found.Success $"'{pattern}' in {ran.Output}"
    int found.Groups[1].Value

let private read (path: string) =
    try
        File.ReadAllText path
    with
    | :? IOException
    | :? UnauthorizedAccessException ->
        // The process has ended, or is another user's.
        ""

/// A process that runs now: its command line and its environment, as Linux shows them.
type private Running = { Command: string; Environment: string }

let private running () = [
    for folder in Directory.GetDirectories("/proc") do
        if Char.IsDigit(folder, folder.LastIndexOf '/' + 1) then
            {
                Command = read (Path.Combine(folder, "cmdline"))
                Environment = read (Path.Combine(folder, "environ"))
            }
]

/// Runs it with an option that keeps its S3, uploads to that S3 and reads the object back, then acts; returns what ran,
/// and the settings that it wrote for a shell.
let private kept (folder: Folder) (option: string) (act: Map<string, string> -> unit) =
    task {
        let file = folder.At "kept.env"
        let running = quickstart [ "QUICKSTART_KEEP_FILE", file ] [ option ]

        while not (File.Exists file || running.IsCompleted) do
            do! Task.Delay 50

        Expect.isFalse running.IsCompleted "it goes on"

        let settings =
            Map [
                for found in Regex.Matches(File.ReadAllText file, "(?m)^(\\w+)='?([^'\n]*)'?$") do
                    found.Groups[1].Value, found.Groups[2].Value
            ]

        Expect.isTrue (File.Exists settings["QUICKSTART_BROKER_TOKEN_FILE"]) "the broker has a token"
        use http = new HttpClient()

        let url =
            settings["QUICKSTART_URL"].Replace("{cell_id}", "cell-7").Replace("{artifact_name}", "a")

        let! stored = http.PutAsync(url, new StringContent "evidence")
        Expect.isTrue stored.IsSuccessStatusCode $"{stored}"
        let! text = http.GetStringAsync url
        Expect.equal text "evidence" "it is stored"
        act settings
        let! ran = running
        return ran, settings
    }

[<Tests>]
let tests =
    testList "the quickstart" [
        testCaseTask
            "exports files that did not exist before, through the broker in a process of its own"
            (fun () ->
                task {
                    let! ran = quickstart [] []
                    succeeds ran

                    let broker = number @"Broker    process (\d+), samples/Broker: it has the keys" ran

                    let exporter =
                        number @"Exporter  process (\d+): .*no key, no manifest, no list of files" ran

                    Expect.notEqual broker exporter "two processes"
                    let names = receipts ran |> List.map fst

                    let fresh =
                        names
                        |> List.filter (fun name -> Regex.IsMatch(name, "^attempts/[0-9a-f]{32}\.log$"))

                    Expect.equal fresh.Length 1 "a name that was made at run time"
                    let granted = number @"The broker gave (\d+) URLs" ran
                    Expect.equal granted names.Length "a URL for each artifact"
                    says [ $"{names.Length} of {names.Length} artifacts exported, read back and equal." ] ran
                    hides secrets ran
                })

        testCaseTask "gives the exporter neither a key nor a manifest nor a name of a file" (fun () ->
            task {
                if not (OperatingSystem.IsLinux()) then
                    skiptest "looks at processes by way of /proc"

                use folder = new Folder()
                folder.Write("run-4711.log", "evidence") |> ignore
                use! store = startStore ()
                let seen = ref []

                // Until the store responds, the exporter waits.
                store.OnAttempt <-
                    fun _ ->
                        seen.Value <-
                            running ()
                            |> List.filter (fun it ->
                                it.Environment.Contains folder.Path
                                || it.Command.Contains store.Endpoint.Authority)

                        null

                let keys = List.map snd keys

                let! ran =
                    quickstart [
                        "QUICKSTART_ENDPOINT", store.Endpoint.AbsoluteUri
                        "QUICKSTART_REGION", region
                        "QUICKSTART_BUCKET", "evidence"
                        "QUICKSTART_ACCESS_KEY", keys[0]
                        "QUICKSTART_SECRET_KEY", keys[1]
                    ] [ folder.Path ]

                succeeds ran

                match receipts ran with
                | [ "run-4711.log", destination ] ->
                    let key = destination.Replace("s3://evidence/", "")
                    Expect.isTrue (store.Objects.ContainsKey(("evidence", key))) $"{key} is stored"
                | other -> failtest $"other receipts: {other}"

                let exporters, others =
                    seen.Value |> List.partition _.Command.Contains("--exporter")

                let brokers = others |> List.filter _.Command.Contains("Broker.dll")
                Expect.equal (exporters.Length, brokers.Length) (1, 1) $"{seen.Value}"
                let told = exporters[0].Command + exporters[0].Environment
                Expect.stringContains brokers[0].Environment keys[1] "the broker has the key"
                Expect.stringContains told "broker.sock" "the exporter has the broker's address"

                for absent in [ keys[1]; "AWS_"; "run-4711"; "PRESIGNED_URLS_FILE"; "manifest" ] do
                    Expect.isFalse (told.Contains absent) $"the exporter is not given '{absent}'"
            })

        testCaseTask "refuses to run an exporter that was given a key" (fun () ->
            task {
                let given = [ "AWS_ACCESS_KEY_ID", "x"; "AWS_CA_BUNDLE", "x"; "Quickstart_Key", "x" ]
                let! ran = quickstart given [ "--exporter" ]
                Expect.equal ran.Code 2 ran.Output

                for name, _ in given do
                    Expect.stringContains ran.Error name "why"
            })

        testCaseTask
            "with --keep, leaves an S3 and a broker that take uploads, until the time is over"
            (fun () ->
                task {
                    use folder = new Folder()
                    let! ran, settings = kept folder "--keep=4s" ignore
                    succeeds ran
                    Expect.stringContains ran.Output "kill " "how to stop it"
                    Expect.stringContains ran.Output settings["QUICKSTART_URL"] "where it is"
                    Expect.isFalse (File.Exists(folder.At "kept.env")) "the file ends with it"

                    Expect.isFalse
                        (File.Exists settings["QUICKSTART_BROKER_TOKEN_FILE"])
                        "and so does the token"

                    hides secrets ran
                })

        testCaseTask "with --keep, ends at once on a signal" (fun () ->
            task {
                if OperatingSystem.IsWindows() then
                    skiptest "there are no signals"

                use folder = new Folder()

                let! ran, _ =
                    kept folder "--keep=100m" (fun settings ->
                        use kill = Process.Start("kill", settings["QUICKSTART_PROCESS"])
                        kill.WaitForExit())

                succeeds ran
            })

        testCaseTask "refuses a time that is not one, and to keep an S3 that is not its own" (fun () ->
            task {
                for argument in [ "--keep=0s"; "--keep=5x"; "--keep="; "--keep=10000m"; "--kept" ] do
                    let! ran = quickstart [] [ argument ]
                    Expect.equal ran.Code 2 argument
                    Expect.stringContains ran.Error "--keep" "what there is"

                let! ran =
                    quickstart [
                        for name in [ "ENDPOINT"; "REGION"; "BUCKET"; "ACCESS_KEY"; "SECRET_KEY" ] ->
                            $"QUICKSTART_{name}", "http://127.0.0.1:1"
                    ] [ "--keep" ]

                Expect.equal ran.Code 2 ran.Output
                Expect.stringContains ran.Error "unset the QUICKSTART_ variables" "why"
            })

        testCaseTask "refuses a folder that does not exist" (fun () ->
            task {
                let! ran = quickstart [] [ "/nonexistent" ]
                Expect.equal ran.Code 2 ran.Output
                Expect.stringContains ran.Error "There is no folder '/nonexistent'" "why"
            })
    ]
