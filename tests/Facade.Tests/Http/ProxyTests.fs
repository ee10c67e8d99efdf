/// Exports through proxies that let them through.
module Facade.Tests.ProxyTests

open System
open System.Collections.Generic
open System.IO
open System.Net.Http
open System.Net.Sockets
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open LoopbackS3
open Microsoft.Extensions.DependencyInjection
open Facade.Tests.CompositionSupport
open Facade.Tests.ProxySupport
open Facade.Tests.Support

/// A SOCKS 5 server with user name and password (RFC 1928, RFC 1929).
let private socks (heard: List<string>) (isRefused: bool) =
    new RawServer(fun _ connection ->
        task {
            let stream = connection.Stream

            let take (count: int) =
                task {
                    let bytes = Array.zeroCreate<byte> count
                    do! stream.ReadExactlyAsync bytes
                    return bytes
                }

            let text (bytes: byte[]) = Text.Encoding.UTF8.GetString bytes
            let! greeting = take 2
            let! _ = take (int greeting[1])
            do! stream.WriteAsync [| 5uy; 2uy |]
            let! version = take 2
            let! name = take (int version[1])
            let! length = take 1
            let! secret = take (int length[0])
            heard.Add $"{text name} {text secret}"
            do! stream.WriteAsync [| 1uy; 0uy |]
            let! request = take 4
            // A name of a host comes with its length.
            let! nameLength = take (if request[3] = 3uy then 1 else 0)

            let! address =
                take (
                    match request[3] with
                    | 1uy -> 4
                    | 3uy -> int nameLength[0]
                    | _ -> 16
                )

            let! port = take 2
            let host = if request[3] = 3uy then text address else string (Net.IPAddress address)
            heard.Add $"{host}:{int port[0] * 256 + int port[1]}"

            if isRefused then
                do! stream.WriteAsync [| 5uy; 5uy; 0uy; 1uy; 0uy; 0uy; 0uy; 0uy; 0uy; 0uy |]
            else
                use far = new TcpClient()

                do!
                    far.ConnectAsync(
                        (if request[3] = 3uy then Net.IPAddress.Loopback else Net.IPAddress address),
                        int port[0] * 256 + int port[1]
                    )

                do! stream.WriteAsync [| 5uy; 0uy; 0uy; 1uy; 0uy; 0uy; 0uy; 0uy; 0uy; 0uy |]
                let there = far.GetStream()
                let! _ = Task.WhenAny(stream.CopyToAsync there, there.CopyToAsync stream)
                ()
        })

[<Tests>]
let tests =
    testList "a proxy" [
        testCaseTask "is given the whole URL of a plain request" (fun () ->
            task {
                use! lab = lab ()
                use proxy = forwarding ()
                let! receipt = lab.Exported "http" (through "http" proxy)
                Expect.equal receipt.Attempts 1 "at once"
                let head = List.exactlyOne proxy.Heads
                let origin = lab.Origin "http"

                Expect.stringStarts
                    head
                    $"PUT http://{origin}/my-cellos-evidence/cell-7/a?X-Amz-Signature=51gn4tur3 HTTP/1.1\r\n"
                    "absolute-form (RFC 9112, 3.2.2)"

                Expect.isNone (header "Proxy-Authorization" head) "no credentials without any"
            })

        testCaseTask "opens a tunnel for https, and hears no more than host and port" (fun () ->
            task {
                use! lab = lab ()
                use proxy = forwarding ()
                let! receipt = lab.Exported "https" (through "https" proxy)
                Expect.equal receipt.Attempts 1 "at once"
                let origin = lab.Origin "https"

                Expect.equal
                    (List.exactlyOne proxy.Heads)
                    $"CONNECT {origin} HTTP/1.1\r\nHost: {origin}\r\n\r\n"
                    "nothing of the URL"
            })

        testCaseTask "gets user name and password with a plain request, which goes out once" (fun () ->
            task {
                use! lab = lab ()
                use proxy = guarded ()
                let! receipt = lab.Exported "http" (throughAs "http" credentials proxy)
                Expect.equal receipt.Attempts 1 "at once"

                Expect.equal
                    (header "Proxy-Authorization" (List.exactlyOne proxy.Heads))
                    (Some(basic user password))
                    "decoded"
            })

        testCaseTask "gets user name and password for a tunnel, and the server does not" (fun () ->
            task {
                use! lab = lab ()
                use proxy = guarded ()
                let! receipt = lab.Exported "https" (throughAs "https" credentials proxy)
                Expect.equal receipt.Attempts 1 "one request for S3"

                Expect.equal
                    (proxy.Heads |> List.map (header "Proxy-Authorization"))
                    [ None; Some(basic user password) ]
                    "when it asks"
            })

        testCaseTask "that hangs up after it asked is answered on another connection" (fun () ->
            task {
                use! lab = lab ()

                use proxy =
                    new TestProxy(fun _ head ->
                        match header "Proxy-Authorization" head with
                        | None -> Last(challenge.Replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"))
                        | Some _ -> Forward)

                let! receipt = lab.Exported "https" (throughAs "https" credentials proxy)
                Expect.equal receipt.Attempts 1 "one request for S3"
                Expect.equal proxy.Connections 2 "two connections"
            })

        for scheme in [ "http"; "https" ] do
            testCaseTask $"is passed by where NO_PROXY says so: {scheme}" (fun () ->
                task {
                    use! lab = lab ()
                    use proxy = guarded ()
                    let host = (lab.Origin scheme).Split(':')[0]

                    for entry in [ host; "*"; "x.example, " + host.ToUpperInvariant(); host + ":1" ] do
                        let variables = ("NO_PROXY", entry) :: throughAs scheme credentials proxy
                        let! _ = lab.Exported scheme variables
                        ()

                    Expect.equal proxy.Connections 0 "it heard of nothing"

                    let! _ =
                        lab.Exported scheme (("no_proxy", "x.example") :: throughAs scheme credentials proxy)

                    Expect.isTrue (proxy.Connections > 0) "any other host goes through it"
                })

            testCaseTask $"carries a large body, and one of no bytes: {scheme}" (fun () ->
                task {
                    for content in [ patterned 5_000_000; [||] ] do
                        use! lab = labWith content
                        use proxy = guarded ()
                        let! receipt = lab.Exported scheme (throughAs scheme credentials proxy)
                        Expect.equal receipt.BytesWritten content.LongLength "all of it"
                        Expect.equal receipt.Attempts 1 "at once"
                })

            testCaseTask $"does not hide that a success came too early: {scheme}" (fun () ->
                task {
                    use! lab = labWith (patterned 5_000_000)
                    use proxy = forwarding ()

                    lab.Server.MisbehaveAlways(
                        "my-cellos-evidence",
                        keyOf "a",
                        Fault.EarlySuccess(store = false)
                    )

                    let! outcome = lab.Push scheme (through scheme proxy)
                    let failure = Expect.wantError outcome "no receipt"
                    Expect.equal failure.Kind ExportFailureKind.Unreachable "kind"
                    Expect.isNone lab.Stored "nothing stored"
                })

            testCaseTask $"passes on what the server says: {scheme}" (fun () ->
                task {
                    use! lab = lab ()
                    use proxy = guarded ()

                    let wrong =
                        ("CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET",
                         $"{scheme}://{lab.Origin scheme}/evidence/{cellId}/a?X-Amz-Algorithm=AWS4-HMAC-SHA256")

                    let! outcome =
                        lab.Push
                            scheme
                            (throughAs scheme credentials proxy
                             @ [ wrong; "CELLOS_EXPORT_S3_KEY_CHECK__ARTIFACT_BUCKET", "off" ])

                    let failure = Expect.wantError outcome "no receipt"
                    Expect.equal failure.Kind ExportFailureKind.Refused "kind"
                    Expect.equal failure.Attempts 1 "attempts"
                    Expect.equal failure.ErrorCode "AuthorizationQueryParametersError" "the server's code"
                })

            testCaseTask $"may itself be reached by TLS, under the CA bundle: {scheme}" (fun () ->
                task {
                    use! lab = lab ()
                    use proxy = guarded ()
                    use front = new TlsFront(proxy.Port)

                    let both = Path.Combine(Path.GetDirectoryName lab.Path |> nonNull, "both.pem")

                    File.WriteAllText(
                        both,
                        File.ReadAllText lab.Bundle + "\n" + File.ReadAllText front.Bundle
                    )

                    let variable =
                        scheme.ToUpperInvariant() + "_PROXY", $"https://{credentials}@localhost:{front.Port}"

                    let! receipt = lab.Exported scheme [ variable; "CELLOS_CA_BUNDLE", both ]
                    Expect.equal receipt.Attempts 1 "at once"

                    let! outcome = lab.Push scheme [ variable ]
                    let failure = Expect.wantError outcome "not trusted"
                    Expect.equal failure.Kind ExportFailureKind.CertificateRejected "kind"
                })

            testCaseTask $"may speak SOCKS: {scheme}" (fun () ->
                task {
                    use! lab = lab ()
                    let heard = List<string>()
                    use proxy = socks heard false

                    let at =
                        $"http://127.0.0.1:{lab.Server.Endpoint.Port}/my-cellos-evidence/{{cell_id}}/{{artifact_name}}"

                    let variables = [
                        "ALL_PROXY", $"socks5://{credentials}@127.0.0.1:{proxy.Port}"

                        if scheme = "http" then
                            "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET", at
                    ]

                    if scheme = "http" then
                        let! receipt = lab.Exported scheme variables
                        Expect.equal receipt.Attempts 1 "at once"

                        Expect.sequenceEqual
                            heard
                            [ $"{user} {password}"; $"127.0.0.1:{lab.Server.Endpoint.Port}" ]
                            "who and where to"
                    else
                        use refusing = socks heard true

                        let! failure =
                            lab.Failed scheme [
                                "ALL_PROXY", $"socks5://{credentials}@127.0.0.1:{refusing.Port}"
                                "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET",
                                at.Replace("http://", "https://")
                            ]

                        Expect.equal failure.Kind ExportFailureKind.Unreachable "kind"

                        Expect.stringContains
                            failure.Message
                            $"the proxy 127.0.0.1:{refusing.Port} did not connect"
                            "who"
                })

        for socksScheme in [ "socks5"; "socks5h" ] do
            testCaseTask $"resolves the name of the store: {socksScheme}" (fun () ->
                task {
                    use! lab = lab ()
                    let heard = List<string>()

                    use proxy = socks heard false

                    // No resolver knows a name below .invalid (RFC 6761, 6.4).
                    let store = $"store.invalid:{lab.Server.Endpoint.Port}"

                    let! receipt =
                        lab.Exported "http" [
                            "ALL_PROXY", $"{socksScheme}://{credentials}@127.0.0.1:{proxy.Port}"
                            "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET",
                            $"http://{store}/my-cellos-evidence/{{cell_id}}/{{artifact_name}}"
                        ]

                    Expect.equal receipt.Attempts 1 "at once"
                    Expect.contains heard store "the name, not an address"
                })

        testCaseTask "is asked by a host's client as well" (fun () ->
            task {
                use! lab = lab ()
                use proxy = guarded ()
                let services = ServiceCollection()

                services.AddS3ExportSinks(
                    S3ExportSpec.Parse seedSpec,
                    cellId,
                    environment (lab.Variables "http" (throughAs "http" credentials proxy))
                )
                |> ignore

                use provider = services.BuildServiceProvider()
                let sink = provider.GetRequiredKeyedService<IExportSink> "artifact-bucket"
                let! receipt = sink.PushAsync("a", lab.Path)
                Expect.equal receipt.Attempts 1 "at once"

                Expect.equal
                    (List.exactlyOne proxy.Heads |> header "Proxy-Authorization")
                    (Some(basic user password))
                    "with its credentials"
            })

        testCaseTask "carries many artifacts, each with its credentials, on few connections" (fun () ->
            task {
                use! lab = lab ()
                use proxy = guarded ()

                use sinks =
                    S3ExportSinks.Create(
                        S3ExportSpec.Parse seedSpec,
                        cellId,
                        environment (lab.Variables "https" (throughAs "https" credentials proxy))
                    )

                let mutable count = 0

                for round in 1..20 do
                    let! receipt = sinks["artifact-bucket"].PushAsync($"a{round}", lab.Path)
                    count <- count + receipt.Attempts

                Expect.equal count 20 "one attempt each"

                Expect.equal
                    proxy.Heads.Length
                    2
                    "one tunnel for all, asked for once without and once with credentials"

                Expect.equal lab.Server.Objects.Count 20 "all stored"
            })
    ]
