/// URLs from a presigner of another house: the AWS SDK for JavaScript.
module Live.Tests.SecondOpinionTests

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Text
open System.Text.Json
open CellOS.Export.S3
open Expecto
open Live.Tests.Evidence
open Live.Tests.Store

/// The folder with the script, and with the SDK in its `node_modules`.
let private folder () =
    match Environment.GetEnvironmentVariable "LIVE_S3_NODE" with
    | null
    | "" -> skiptest "LIVE_S3_NODE is not set: there is no Node here with the AWS SDK for JavaScript"
    | folder -> folder

let private table (bucket: string) (keys: string list) (checksums: string) =
    task {
        use node =
            nonNull (
                Process.Start(
                    ProcessStartInfo(
                        "node",
                        [ Path.Join(folder (), "presign.mjs") ],
                        RedirectStandardInput = true,
                        RedirectStandardOutput = true,
                        RedirectStandardError = true
                    )
                )
            )

        let question =
            JsonSerializer.Serialize {|
                endpoint = (endpoint ()).AbsoluteUri
                region = region ()
                accessKey = accessKey ()
                secretKey = secretKey ()
                bucket = bucket
                keys = keys
                checksums = checksums
            |}

        do! node.StandardInput.WriteAsync question
        node.StandardInput.Close()
        let error = node.StandardError.ReadToEndAsync()
        let! output = node.StandardOutput.ReadToEndAsync()
        let! error = error
        do! node.WaitForExitAsync()
        Expect.equal node.ExitCode 0 error
        return nonNull (JsonSerializer.Deserialize<Dictionary<string, string>> output)
    }

[<Tests>]
let tests =
    testList "the AWS SDK for JavaScript" [
        testCaseTask "presigns URLs that lead to the same objects" (fun () ->
            task {
                let! bucket = plainBucket ()
                let cell = newCell "node"
                let keyOf name = $"{cell}/{name}"
                let folders = String.replicate 5 (String('d', 150) + "/")
                let longest = folders + String('k', 1024 - cell.Length - 1 - folders.Length)
                let names = longest :: UploadTests.names
                let! urls = table bucket (names |> List.map keyOf) "WHEN_REQUIRED"
                use folder = new Folder()

                for name in names do
                    let path = folder.Write("f", Encoding.UTF8.GetBytes name)
                    let! outcome = push (optionsFor urls[keyOf name] bucket cell) name path
                    let receipt = Expect.wantOk outcome name
                    let! _ = isTrue receipt bucket (keyOf name) path
                    ()
            })

        testCaseTask
            "bakes the checksum of an empty body into its URLs by default, which is noticed"
            (fun () ->
                task {
                    let! bucket = plainBucket ()
                    let cell = newCell "baked"
                    let! urls = table bucket [ $"{cell}/f" ] "WHEN_SUPPORTED"
                    let url = urls[$"{cell}/f"]
                    Expect.stringContains url "x-amz-checksum-" "the SDK does so"

                    let spec =
                        S3ExportSpec.Parse
                            $"{{\"export\":{{\"targets\":[{{\"name\":\"t\",\"kind\":\"s3\",\"bucket\":\"{bucket}\"}}]}}}}"

                    let environment =
                        dict [ "CELLOS_EXPORT_S3_PRESIGNED_URL__T", (url: string | null) ] |> Dictionary

                    let configuration = S3ExportConfiguration.Resolve(spec, cell, environment)

                    Expect.isTrue
                        (configuration.Findings
                         |> Seq.exists (fun finding -> finding.Id = "baked-empty-checksum"))
                        "as a finding"

                    // Whether the store holds the body against it is the store's affair; the receipt is true, or there is none.
                    use folder = new Folder()
                    let path = folder.Write("f", "not empty"B)
                    let! outcome = push (optionsFor url bucket cell) "f" path

                    match outcome with
                    | Ok receipt ->
                        let! _ = isTrue receipt bucket $"{cell}/f" path
                        ()
                    | Error failure ->
                        Expect.isFalse failure.MayBeStored failure.Message
                        do! isNotStored bucket $"{cell}/f"
                })
    ]
