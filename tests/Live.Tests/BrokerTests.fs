/// Exports through the reference broker, `samples/Broker`, on a Unix socket: the exporter has no key.
module Live.Tests.BrokerTests

open System
open System.Diagnostics
open System.IO
open System.Net.Http
open System.Text
open System.Text.Json.Nodes
open System.Text.RegularExpressions
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open CellOS.Export.S3.Core
open Expecto
open LoopbackS3
open Live.Tests.Evidence
open Live.Tests.Store
open Samples.Tests
open Samples.Tests.BrokerProcess

/// A store, and what the tests have to know of it.
type private Place = {
    Endpoint: Uri
    Region: string
    Bucket: string
    /// The variables with the keys, as all AWS tools read them.
    Keys: (string * string) list
    IsStored: string -> Task<bool>
}

let private settingsFor (place: Place) (folder: Script.Folder) = [
    "Broker:Endpoint", place.Endpoint.AbsoluteUri
    "Broker:PathStyle", "true"
    "Broker:Region", place.Region
    "Broker:Buckets:0", place.Bucket
    "Broker:TokensFile", writeTokens folder [ entry "live" token [ "*" ] [ "" ] ]
    "Broker:RequestsPerSecond", "100000"
]

/// Starts a broker on the socket of a folder, with the keys of a store.
let private startFor (place: Place) (folder: Script.Folder) =
    startAt ("http://unix:" + folder.At "broker.sock") place.Keys (settingsFor place folder)

let private ceph (bucket: string) : Place = {
    Endpoint = plainEndpoint ()
    Region = region ()
    Bucket = bucket
    Keys = [ "AWS_ACCESS_KEY_ID", accessKey (); "AWS_SECRET_ACCESS_KEY", secretKey () ]
    IsStored =
        fun key ->
            task {
                let! found = readBack bucket key
                return found.IsSome
            }
}

let private loopback (store: LoopbackS3Server) : Place = {
    Endpoint = store.Endpoint
    Region = Presigning.region
    Bucket = "evidence"
    Keys = Presigning.keys
    IsStored = fun key -> Task.FromResult(store.Objects.ContainsKey(("evidence", key)))
}

/// Runs a test against a store: Ceph, or LoopbackS3.
let private inPlace (name: string) (test: Place -> Task<unit>) =
    task {
        if name = "Ceph" then
            let! bucket = plainBucket ()
            do! test (ceph bucket)
        else
            use! store = Presigning.startStore ()
            do! test (loopback store)
    }

let private syllables = [|
    "log"
    "two words"
    "Prüfbericht"
    "証拠"
    "🗄"
    "a+b"
    "100%"
    "%2F"
    "~!'()"
    "a=b&c;d"
|]

/// Writes artifacts into folders. Each name is made at run time and has something random in it.
let private writeArtifacts (folder: Folder) (count: int) =
    let piece () =
        syllables[Random.Shared.Next syllables.Length]

    [
        for _ in 1..count do
            let folders = [ for _ in 1 .. Random.Shared.Next 3 -> piece () ]
            let name = String.Join('/', folders @ [ $"{piece ()} {Guid.NewGuid():N}" ])
            let content = Array.zeroCreate<byte>(Random.Shared.Next 8192)
            Random.Shared.NextBytes content
            folder.Write(Path.Join("out", name), content) |> ignore
            name
    ]

/// Starts the tool with an environment made from nothing: it has the broker's address and a token, and no key.
let private startTool (folder: Folder) (broker: Script.Folder) (bucket: string) (cell: string) =
    folder.Write("token", Encoding.UTF8.GetBytes token) |> ignore

    File.SetUnixFileMode(folder.At "token", UnixFileMode.UserRead)

    folder.Write(
        "cell.yaml",
        Encoding.UTF8.GetBytes
            $"export:\n  targets:\n    - name: evidence\n      kind: s3\n      bucket: {bucket}\n      region: {region ()}\n"
    )
    |> ignore

    let info =
        ProcessStartInfo(
            "dotnet",
            [
                BundleTests.tool
                "push"
                "--spec"
                folder.At "cell.yaml"
                "--cell-id"
                cell
                "--receipts"
                folder.At "receipts.jsonl"
                "--concurrency"
                "16"
                "--quiet"
                folder.At "out"
            ],
            RedirectStandardOutput = true,
            RedirectStandardError = true
        )

    for name in List.ofSeq info.Environment.Keys do
        if not (List.contains name [ "PATH"; "HOME"; "DOTNET_ROOT"; "TMPDIR" ]) then
            info.Environment.Remove name |> ignore

    for name, value in
        [
            "BROKER_URL", "unix:" + broker.At "broker.sock"
            "BROKER_TOKEN_FILE", folder.At "token"
            "BIND_DIGEST", "1"
            // What lasts out a broker that is away for some seconds.
            "MAX_ATTEMPTS", "100"
            "RETRY_BACKOFF_MS", "250"
        ] do
        info.Environment[$"CELLOS_EXPORT_S3_{name}__EVIDENCE"] <- value

    nonNull (Process.Start info)

let private grantsOf (broker: Broker) =
    Regex.Count(broker.Log, " got a URL for ")

let private restarted =
    testCaseTask
        "1,000 artifacts with names made at run time are stored once each, though the broker is killed and restarted"
        (fun () ->
            task {
                let! bucket = versionedBucket ()
                let place = ceph bucket
                use folder = new Folder()
                use brokerFolder = new Script.Folder()
                let names = writeArtifacts folder 1000
                let cell = newCell "broker"
                use! first = startFor place brokerFolder
                use tool = startTool folder brokerFolder bucket cell

                try
                    let error = tool.StandardError.ReadToEndAsync()

                    for _ in 1..300 do
                        let! line = tool.StandardOutput.ReadLineAsync()
                        Expect.isNotNull line "it exports"

                    // Nobody reads the output of the tool meanwhile, so it cannot end first.
                    do! first.KillAsync()
                    let grantedFirst = grantsOf first
                    let environment = File.ReadAllText $"/proc/{tool.Id}/environ"
                    use! second = startFor place brokerFolder
                    let! output = tool.StandardOutput.ReadToEndAsync()
                    let! error = error
                    do! tool.WaitForExitAsync()
                    Expect.equal tool.ExitCode 0 error

                    Expect.isGreaterThan grantedFirst 0 "the first broker gave URLs"
                    Expect.isGreaterThan (grantsOf second) 0 "the second broker gave URLs"

                    let lines = File.ReadAllLines(folder.At "receipts.jsonl")

                    let receipts = [ for line in lines -> Expect.wantOk (Receipt.parse line) line ]

                    Expect.sequenceEqual
                        (receipts |> Seq.map _.ArtifactName |> Seq.sort)
                        (Seq.sort names)
                        "a receipt for each artifact, and one only"

                    let! versions = versionsBelow bucket $"{cell}/"

                    Expect.sequenceEqual
                        (Seq.sort versions)
                        (names |> Seq.map (fun name -> $"{cell}/{name}") |> Seq.sort)
                        "each object is in the bucket, and was written once"

                    do!
                        Parallel.ForEachAsync(
                            receipts,
                            ParallelOptions(MaxDegreeOfParallelism = 8),
                            fun receipt _ ->
                                ValueTask(
                                    task {
                                        let! found = readBack bucket $"{cell}/{receipt.ArtifactName}"
                                        let stored = Expect.wantSome found receipt.ArtifactName
                                        let path = Path.Join(folder.At "out", receipt.ArtifactName)

                                        Expect.equal
                                            (stored.Sha256, stored.Sha256)
                                            (sha256Of path, receipt.Sha256)
                                            receipt.ArtifactName
                                    }
                                    :> Task
                                )
                        )

                    let shown = environment + output + error + String.Concat lines

                    for secret in List.map snd place.Keys @ [ token; "X-Amz-Signature" ] do
                        Expect.isFalse (shown.Contains secret) $"the exporter neither has nor shows {secret}"
                finally
                    if not tool.HasExited then
                        tool.Kill()
            })

/// The provider, with something that happens between its response and the upload.
let private thenDoing (change: unit -> unit) (provider: IPresignedUrlProvider) = {
    new IPresignedUrlProvider with
        member _.GetUrlAsync(request, cancellation) =
            ValueTask<PresignedUrlResponse>(
                task {
                    let! response = provider.GetUrlAsync(request, cancellation)
                    change ()
                    return response
                }
            )
}

/// Overwrites the beginning of a file.
let private overwrite (path: string) =
    use file =
        new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)

    file.Write "other content"B

let private binding = [
    for name in [ "Ceph"; "LoopbackS3" ] do
        testCaseTask $"{name} itself refuses other content than the URL was requested for" (fun () ->
            inPlace name (fun place ->
                task {
                    use folder = new Script.Folder()
                    use! broker = startFor place folder

                    let request =
                        Presigning.requestFor "" (newCell "bound") "report.json" "the report"
                        |> Presigning.withField "bucket" place.Bucket
                        |> Presigning.withField "region" place.Region

                    let json =
                        new StringContent(request.ToJsonString(), Encoding.UTF8, "application/json")

                    let! answer = broker.Send("POST", "/", Some token, json)
                    Expect.equal answer.Status 200 $"{answer.Body}"
                    // No library between: other content and another length are sent, and then the content.
                    do! Presigning.isBoundTo "the report" request answer.Body
                    let! stored = place.IsStored(Presigning.text [ "key" ] request)
                    Expect.isTrue stored "the content itself"
                }))

        for where, damaged, kind in
            [
                "in the file", 0, ExportFailureKind.SourceChanged
                "on the way", Int32.MaxValue, ExportFailureKind.IntegrityMismatch
            ] do
            testCaseTask
                $"{name} gets no artifact that changes {where} after the request of its URL"
                (fun () ->
                    inPlace name (fun place ->
                        task {
                            let size = 200_000L
                            use relay = new Relay.Damaging(place.Endpoint.Port, size, damaged)
                            use brokerFolder = new Script.Folder()

                            use! broker =
                                startFor
                                    {
                                        place with
                                            Endpoint = Uri $"http://127.0.0.1:{relay.Port}"
                                    }
                                    brokerFolder

                            use folder = new Folder()
                            let cell = newCell "changed"
                            let path = folder.WriteLarge("f", size)
                            let tokenFile = folder.Write("token", Encoding.UTF8.GetBytes token)

                            use asked =
                                new HttpPresignedUrlProvider(
                                    HttpPresignedUrlProviderOptions(
                                        Url = broker.Address.Replace("http://", ""),
                                        TokenFile = tokenFile
                                    )
                                )

                            let change () =
                                if damaged = 0 then
                                    overwrite path

                            let! outcome =
                                push
                                    (PresignedS3ExportSinkOptions(
                                        UrlProvider = thenDoing change asked,
                                        BindDigest = true,
                                        CellId = cell,
                                        Bucket = place.Bucket,
                                        Region = place.Region,
                                        RetryBackoff = TimeSpan.Zero
                                    ))
                                    "f"
                                    path

                            let failure = Expect.wantError outcome "no receipt"
                            Expect.equal failure.Kind kind failure.Message
                            let! stored = place.IsStored $"{cell}/f"
                            Expect.isFalse stored "nothing is in the store"

                            // The sink sees a change of the file by itself, and one on the way only the store can see.
                            if damaged > 0 then
                                Expect.isGreaterThan relay.Upwards size "the other content was sent"
                                Expect.equal failure.ErrorCode "BadDigest" "the store refused it"
                        }))
]

[<Tests>]
let tests = testSequenced (testList "the reference broker" (restarted :: binding))
