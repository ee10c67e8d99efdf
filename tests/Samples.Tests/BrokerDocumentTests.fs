/// The commands of the document of brokers, run as a reader runs them.
module Samples.Tests.BrokerDocumentTests

open System
open System.IO
open System.Net
open System.Net.Sockets
open System.Text.Json.Nodes
open System.Text.RegularExpressions
open Expecto
open Samples.Tests.BrokerProcess
open Samples.Tests.Presigning
open Samples.Tests.Script

let private document = File.ReadAllText(Path.Combine(root, "docs", "broker.md"))

/// The block of text that contains this.
let private textWith (part: string) =
    Regex.Matches(document, "(?s)```text\n(.*?)```")
    |> Seq.map _.Groups[1].Value
    |> Seq.filter _.Contains(part)
    |> Seq.exactlyOne

let private commands = [
    for block in Regex.Matches(document, "(?s)```sh\n(.*?)```") -> block.Groups[1].Value
]

/// The lines as words of a shell.
let private quoted (lines: string) =
    lines.Split('\n', StringSplitOptions.RemoveEmptyEntries)
    |> Array.map (sprintf "'%s'")
    |> String.concat " "

/// A port that no program listens on.
let private freePort () =
    use listener = new TcpListener(IPAddress.Loopback, 0)
    listener.Start()
    (listener.LocalEndpoint :?> IPEndPoint).Port

/// Links the folders of the clone that the commands name, so that what they write is the test's.
let private cloneIn (folder: Folder) =
    for name in [ "samples"; "src" ] do
        Directory.CreateSymbolicLink(folder.At name, Path.Combine(root, name)) |> ignore

let private hasBoto3 (folder: Folder) =
    task {
        try
            let! python = start folder.Path [] "python3" [ "-c"; "import boto3" ] ""
            return python.Code = 0
        with :? ComponentModel.Win32Exception ->
            return false
    }

[<Tests>]
let tests =
    testList "the document of brokers" [
        testCaseTask "exports through a broker and through a command within its commands" (fun () ->
            task {
                if not (OperatingSystem.IsLinux()) then
                    skiptest "The commands are those of a GNU system"

                use folder = new Folder()
                use! store = startStore ()
                cloneIn folder
                let! hasBoto3 = hasBoto3 folder

                let variables =
                    [
                        "S3_ENDPOINT", store.Endpoint.AbsoluteUri.TrimEnd '/'
                        "S3_REGION", region
                        "S3_BUCKET", "evidence"
                        "AWS_EC2_METADATA_DISABLED", "true"
                    ]
                    @ [
                        for name, value in keys ->
                            name
                                .Replace("AWS_", "S3_")
                                .Replace("_KEY_ID", "_KEY")
                                .Replace("SECRET_ACCESS", "SECRET"),
                            value
                    ]

                let chosen =
                    if hasBoto3 then commands else List.truncate 3 commands @ [ "kill $broker" ]

                Expect.equal commands.Length 4 "token, broker, export, command"

                let script =
                    folder.Write(
                        "commands.sh",
                        "set -eu\ntrap 'kill $broker 2>/dev/null || :' EXIT\nbroker=\n"
                        + String.Join('\n', chosen)
                    )

                let! ran = start folder.Path variables "bash" [ script ] ""
                let log = File.ReadAllText(folder.At "obj/try/broker.log")
                Expect.equal ran.Code 0 $"{ran.Output}{ran.Error}{log}"

                let receipts = [
                    for line in ran.Output.Split '\n' do
                        if line.StartsWith '{' then
                            text [ "destination" ] (nonNull (JsonNode.Parse line))
                ]

                Expect.equal
                    receipts
                    (List.replicate (if hasBoto3 then 2 else 1) "s3://evidence/cell-7/report.txt")
                    ran.Output

                Expect.stringContains ran.Output "probe of target try" "the probe"
                Expect.stringContains log "me got a URL for evidence/cell-7/report.txt" "the broker's log"
            })

        testCaseTask
            "the variables of its page make the broker serve TLS, and the exporter trust it"
            (fun () ->
                task {
                    if not (OperatingSystem.IsLinux()) then
                        skiptest "The commands are those of a GNU system"

                    use folder = new Folder()
                    use! store = startStore ()
                    cloneIn folder
                    let port = freePort ()
                    let tokens = writeTokens folder [ host7 ]
                    let tokenFile = folder.Write("token", token)

                    let certificate =
                        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout tls.key -out tls.crt 2>tls.log"

                    let ofBroker =
                        (textWith "Kestrel__Endpoints")
                            .Replace("/etc/cellos-broker/", folder.Path + "/")
                            .Replace("8443", string port)

                    let ofExporter =
                        (textWith "BROKER_URL__ARTIFACT_BUCKET=https:")
                            .Replace("broker.example:8443", $"localhost:{port}")
                            .Replace("/run/secrets/broker-token", tokenFile)

                    let spec =
                        folder.Write(
                            "cell.yaml",
                            $"export:\n  targets:\n    - {{ name: artifact-bucket, kind: s3, bucket: evidence, region: {region} }}\n"
                        )

                    let script =
                        folder.Write(
                            "tls.sh",
                            String.Join(
                                '\n',
                                [
                                    "set -eu"
                                    "trap 'kill $broker 2>/dev/null || :' EXIT"
                                    certificate
                                    "env " + quoted ofBroker + " \\"
                                    $"  dotnet samples/Broker/bin/{built}/Broker.dll --Broker:TokensFile={tokens} --Broker:Endpoint=$S3_ENDPOINT --Broker:PathStyle=true --Broker:Region={region} --Broker:Buckets:0=evidence >broker.log 2>&1 &"
                                    "broker=$!"
                                    $"timeout 60 sh -c 'until grep -q \"Now listening\" broker.log; do sleep 0.2; done' || cat broker.log"
                                    ofExporter
                                    "export CELLOS_CA_BUNDLE=tls.crt"
                                    $"src/Cli/bin/{built}/cellos-export-s3 check --spec {spec} --cell-id cell-7 --probe"
                                    "unset CELLOS_CA_BUNDLE"
                                    $"src/Cli/bin/{built}/cellos-export-s3 check --spec {spec} --cell-id cell-7 --probe || echo refused=$?"
                                ]
                            )
                        )

                    let variables = ("S3_ENDPOINT", store.Endpoint.AbsoluteUri.TrimEnd '/') :: keys
                    let! ran = start folder.Path variables "bash" [ script ] ""
                    let log = File.ReadAllText(folder.At "broker.log")
                    Expect.equal ran.Code 0 $"{ran.Output}{ran.Error}{log}"
                    Expect.stringContains log $"https://[::]:{port}" "it listens with TLS"
                    Expect.stringContains ran.Output "probe of target artifact-bucket" "the probe"
                    Expect.stringContains ran.Output "refused=2" "without the authority"
                })

        testCaseTask "systemd accepts its unit" (fun () ->
            task {
                use folder = new Folder()

                let unitFile =
                    folder.Write(
                        "cellos-broker.service",
                        // The program of this machine; all else as it is.
                        (textWith "[Service]").Replace("/usr/bin/dotnet", "/bin/sh")
                    )

                try
                    let! ran = start folder.Path [] "systemd-analyze" [ "verify"; unitFile ] ""
                    Expect.equal (ran.Code, ran.Error) (0, "") "no error and no warning"
                with :? ComponentModel.Win32Exception ->
                    skiptest "systemd-analyze is not installed"
            })
    ]
