/// What the tool's own process lacks: open files, a home directory.
module Cli.Tests.ProcessLimitTests

open System
open System.IO
open System.Net
open System.Net.Security
open System.Net.Sockets
open System.Security.Cryptography
open System.Security.Cryptography.X509Certificates
open CellOS.Export.S3.Cli.Pushing
open Expecto
open Cli.Tests.Scene
open Cli.Tests.Support

let private arguments (scene: Scene) (receipts: string) (out: string) = [
    "push"
    "--spec"
    scene.Spec
    "--cell-id"
    "cell-7"
    "--concurrency"
    "64"
    "--receipts"
    receipts
    "--resume"
    out
]

let private limited (limit: int) variables (arguments: string list) =
    task {
        use child =
            new Child(
                "sh",
                [ "-c"; "ulimit -n \"$0\"; exec \"$@\""; string limit; yield! tool ] @ arguments,
                variables
            )

        return! child.End()
    }

/// The exit code of a runtime that ended itself: the limit is too low for its start.
let private aborted = 134

let private blamesOthers (error: string) =
    [ "network"; "the disk"; "connection failed"; "Unreachable"; "Unexpected" ]
    |> List.filter error.Contains

/// The user of containers whose user is only a number.
let private asNobody = [
    "--reuid=65533"
    "--regid=65533"
    "--clear-groups"
    "env"
    "-u"
    "HOME"
    yield! tool
]

/// Completes handshakes with a certificate of its own, and sends nothing.
type private TlsServer() =
    let listener = new TcpListener(IPAddress.Loopback, 0)

    let certificate =
        use key = RSA.Create 2048

        let request =
            CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)

        use own =
            request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays -1., DateTimeOffset.UtcNow.AddDays 1.)

        X509CertificateLoader.LoadPkcs12(own.Export X509ContentType.Pfx, null)

    do listener.Start()

    let serve =
        task {
            try
                while true do
                    use! client = listener.AcceptTcpClientAsync()
                    use tls = new SslStream(client.GetStream())

                    try
                        do! tls.AuthenticateAsServerAsync certificate
                        let! _ = tls.ReadAsync(Array.zeroCreate<byte> 1)
                        ()
                    with
                    | :? IOException
                    | :? System.Security.Authentication.AuthenticationException -> ()
            with
            | :? SocketException
            | :? ObjectDisposedException -> ()
        }

    member _.Authority = string listener.LocalEndpoint

    interface IAsyncDisposable with
        member _.DisposeAsync() =
            listener.Stop()
            certificate.Dispose()
            Threading.Tasks.ValueTask serve

[<Tests>]
let tests =
    testList "limits of the process" [
        testCase "the number of artifacts at once follows from the limit and from what is open" (fun () ->
            for limit, isOpen, fitting in
                [
                    1024L, 90, 217
                    256L, 90, 25
                    160L, 90, 1
                    157L, 90, 0
                    64L, 90, 0
                    0L, 0, 0
                    Int64.MaxValue, 90, Int32.MaxValue
                ] do
                Expect.equal (OpenFiles.Fitting(limit, isOpen)) fitting $"{limit} with {isOpen} open")

        testCaseTask
            "a low limit of open files is named, loses no artifact, and --resume completes the export"
            (fun () ->
                task {
                    if not (OperatingSystem.IsLinux()) then
                        skiptest "needs Linux"

                    use! scene = sceneBehind true
                    let names = [ for i in 1..100 -> $"f{i}" ]

                    for name in names do
                        scene.Folder.Write($"out/{name}", name) |> ignore

                    let out = scene.Folder.At "out"
                    let mutable starts = false
                    let codes = ResizeArray<int>()
                    let mutable reduced = 0

                    for limit in 60..20..260 do
                        let receipts = scene.Folder.At $"{limit}.jsonl"
                        let arguments = arguments scene receipts out
                        let before = scene.Server.Requests.Count
                        let! struct (code, output, error) = limited limit scene.SeedVariables arguments
                        starts <- starts || code <> aborted

                        if starts then
                            codes.Add code
                            Expect.contains [ 0; 1; 2 ] code $"{limit}: {error}"
                            Expect.isEmpty (blamesOthers error) $"{limit}: {error}"

                            let lines =
                                if File.Exists receipts then (File.ReadAllLines receipts).Length else 0

                            if error.Contains "artifacts at once instead of 64" then
                                reduced <- reduced + 1

                            if code = 0 then
                                Expect.equal lines 100 $"{limit}: receipts"
                                objects output |> List.iter scene.IsTrue
                            else
                                Expect.stringContains error "limit of open files" $"{limit}: {error}"
                                Expect.stringContains error "ulimit -n" $"{limit}: {error}"
                                Expect.equal lines 0 $"{limit}: receipts"
                                Expect.equal scene.Server.Requests.Count before $"{limit}: nothing was sent"

                                let! struct (code, _, error) = runToolIn scene.SeedVariables arguments
                                Expect.equal code 0 $"without the limit: {error}"
                                Expect.equal (File.ReadAllLines receipts).Length 100 "all receipts"

                    Expect.contains codes 2 "a limit that is too low is refused"
                    Expect.contains codes 0 "a limit that is high enough is not"
                    Expect.isGreaterThan reduced 0 "fewer artifacts at once"
                })

        testCaseTask "a user without a home directory is told so when TLS needs one" (fun () ->
            task {
                if Environment.UserName <> "root" || not (File.Exists "/usr/bin/setpriv") then
                    skiptest "needs root and setpriv, to become a user without an entry in the list of users"

                use probe = new Child("setpriv", asNobody @ [ "--help" ], [])
                let! struct (code, _, error) = probe.End()

                if code <> 0 then
                    skiptest $"another user may not run the tool here: {error}"

                use! scene = scene ()
                use server = new TlsServer()
                let out = Path.GetDirectoryName(scene.Folder.Write("out/a", "evidence"))
                shell "chmod -R a+rX \"$0\"" scene.Folder.Path |> ignore

                let variables = [
                    urlVariable, $"https://{server.Authority}/{bucket}/{{cell_id}}/{{artifact_name}}"
                    "CELLOS_EXPORT_S3_MAX_ATTEMPTS" + suffix, "1"
                ]

                use child =
                    new Child(
                        "setpriv",
                        asNobody @ [ "push"; "--spec"; scene.Spec; "--cell-id"; "cell-7"; string out ],
                        variables
                    )

                let! struct (code, output, error) = child.End()
                Expect.equal code 1 error
                let failure = (List.exactlyOne (objects output)).GetProperty "error"
                Expect.equal (text "kind" failure) "LocalFault" (string failure)
                Expect.stringContains (text "message" failure) "no home directory" "what is missing"
                Expect.stringContains (text "message" failure) "Set HOME" "what to do"
                Expect.isEmpty (blamesOthers error) error
            })
    ]
