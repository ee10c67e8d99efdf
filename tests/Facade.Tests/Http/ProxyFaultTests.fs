/// Exports through proxies that fail, or refuse.
module Facade.Tests.ProxyFaultTests

open System
open CellOS.Export
open Expecto
open Facade.Tests.ProxySupport
open Facade.Tests.Support

let private adviceOn407 (name: string) =
    if name = "no credentials" then
        "The proxy wants a user name and a password, and its URL"
    else
        "Check user name and password in the proxy's URL"

/// A server, or a proxy, that answers a TLS handshake in plain HTTP.
let private withoutTls () =
    new RawServer(fun _ connection ->
        task {
            do! connection.ReadSome ignore
            do! connection.Send "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
            connection.Close()
        })

[<Tests>]
let tests =
    testList "a proxy's fault" [
        for name, variables, tries in
            [
                "no credentials", through, 1
                "wrong credentials", (fun scheme proxy -> throughAs scheme $"{user}:wr0ngp5ecret" proxy), 2
            ] do
            testCaseTask $"407 to a tunnel ends the push: {name}" (fun () ->
                task {
                    use! lab = lab ()
                    use proxy = guarded ()
                    let! failure = lab.Failed "https" (variables "https" proxy)
                    Expect.equal failure.Kind ExportFailureKind.Refused "kind"
                    Expect.equal failure.StatusCode (Nullable(enum 407)) "status"
                    Expect.equal failure.Attempts 1 "attempts"
                    Expect.equal proxy.Heads.Length tries "what the proxy was asked"

                    Expect.stringContains
                        failure.Message
                        $"the proxy {proxy.Authority} answered HTTP 407 to the request for a tunnel to localhost"
                        "who said so"

                    Expect.stringContains failure.Message (adviceOn407 name) "what to do"
                })

            testCaseTask $"407 to a plain request ends the push, which went out once: {name}" (fun () ->
                task {
                    use! lab = lab ()
                    use proxy = guarded ()
                    let! failure = lab.Failed "http" (variables "http" proxy)
                    Expect.equal failure.Kind ExportFailureKind.Refused "kind"
                    Expect.equal failure.StatusCode (Nullable(enum 407)) "status"
                    Expect.equal failure.Attempts 1 "attempts"
                    Expect.equal proxy.Heads.Length 1 "one request"
                    Expect.equal proxy.BodyBytes lab.Content.LongLength "of one body"

                    Expect.stringContains
                        failure.Message
                        $"the proxy {proxy.Authority} (HTTP_PROXY) refused the upload: HTTP 407"
                        "who said so"

                    Expect.stringContains failure.Message (adviceOn407 name) "what to do"
                })

        testCaseTask "407 to a large request comes before its body" (fun () ->
            task {
                use! lab = labWith (patterned 5_000_000)
                use proxy = guarded ()
                let! failure = lab.Failed "http" (throughAs "http" $"{user}:wr0ng" proxy)
                Expect.equal failure.StatusCode (Nullable(enum 407)) "status"
                Expect.equal proxy.BodyBytes 0L "no byte of it"
            })

        testCaseTask "a challenge other than Basic is not answered" (fun () ->
            task {
                for scheme in [ "http"; "https" ] do
                    use! lab = lab ()

                    use proxy =
                        new TestProxy(fun _ _ ->
                            Say(
                                challenge.Replace(
                                    "Basic realm=\"proxy\"",
                                    "Digest realm=\"proxy\", nonce=\"abc\", Negotiate, NTLM"
                                )
                            ))

                    let! failure = lab.Failed scheme (throughAs scheme credentials proxy)
                    Expect.equal failure.StatusCode (Nullable(enum 407)) "status"
                    Expect.equal proxy.Heads.Length 1 "once"
                    Expect.stringContains failure.Message "only Basic" "why"
            })

        for status in [ 302; 400; 401; 403; 404; 405; 501 ] do
            testCaseTask $"{status} to a tunnel ends the push" (fun () ->
                task {
                    use! lab = lab ()
                    use proxy = new TestProxy(fun _ _ -> Say(refusal status))
                    let! failure = lab.Failed "https" (throughAs "https" credentials proxy)
                    Expect.equal failure.Kind ExportFailureKind.Refused "kind"
                    Expect.equal failure.StatusCode (Nullable(enum status)) "status"
                    Expect.equal failure.Attempts 1 "attempts"
                    Expect.equal proxy.Heads.Length 1 "one request"
                    Expect.stringContains failure.Message $"the proxy {proxy.Authority}" "who"
                })

        for status in [ 408; 429; 500; 502; 503; 504 ] do
            testCaseTask $"{status} to a tunnel is tried again" (fun () ->
                task {
                    use! lab = lab ()
                    use proxy = new TestProxy(fun _ _ -> Say(refusal status))
                    let! failure = lab.Failed "https" (throughAs "https" credentials proxy)
                    Expect.equal failure.Kind ExportFailureKind.Unreachable "kind"
                    Expect.equal failure.StatusCode (Nullable(enum status)) "status"
                    Expect.equal failure.Attempts 3 "attempts"
                    Expect.equal proxy.Heads.Length 3 "three requests"

                    Expect.stringContains
                        failure.Message
                        $"the proxy {proxy.Authority} answered HTTP {status}"
                        "who"

                    Expect.stringContains failure.Message "(HTTPS_PROXY)" "what to correct"
                })

        for scheme in [ "http"; "https" ] do
            testCaseTask $"502, and then a way through: {scheme}" (fun () ->
                task {
                    use! lab = lab ()

                    use proxy =
                        new TestProxy(fun number _ -> if number = 1 then Say(refusal 502) else Forward)

                    let! receipt = lab.Exported scheme (through scheme proxy)
                    Expect.equal receipt.Attempts 2 "attempts"
                    Expect.equal (Seq.length lab.Server.Requests) 1 "one request at the server"
                })

            testCaseTask $"garbage is tried again, and told as that: {scheme}" (fun () ->
                task {
                    use! lab = lab ()
                    use proxy = new TestProxy(fun _ _ -> Last "lorem ipsum\r\n\r\n")
                    let! outcome = lab.Push scheme (throughAs scheme credentials proxy)
                    let failure = Expect.wantError outcome "a failure"
                    Expect.equal failure.Kind ExportFailureKind.Unreachable "kind"
                    Expect.equal failure.Attempts 3 "attempts"
                    Expect.equal proxy.Connections 3 "three connections"
                    Expect.stringContains failure.Message $"through the proxy {proxy.Authority}" "who"
                    Expect.isEmpty lab.Server.Requests "the server saw nothing"
                })

            testCaseTask $"no answer at all is tried again, as often as the push says: {scheme}" (fun () ->
                task {
                    use! lab = lab ()
                    use proxy = new TestProxy(fun _ _ -> HangUp)
                    let! outcome = lab.Push scheme (throughAs scheme credentials proxy)
                    let failure = Expect.wantError outcome "a failure"
                    Expect.equal failure.Kind ExportFailureKind.Unreachable "kind"
                    Expect.equal failure.Attempts 3 "attempts"
                    Expect.equal proxy.Heads.Length 3 "three requests"
                    Expect.stringContains failure.Message $"the proxy {proxy.Authority}" "who"
                    Expect.isEmpty lab.Server.Requests "the server saw nothing"
                })

            testCaseTask $"nobody listens: it is the proxy that is named: {scheme}" (fun () ->
                task {
                    use! lab = lab ()
                    use dead = new DeadPort()
                    let variable = scheme.ToUpperInvariant() + "_PROXY"

                    let! failure =
                        lab.Failed scheme [ variable, $"http://{credentials}@127.0.0.1:{dead.Port}" ]

                    Expect.equal failure.Kind ExportFailureKind.Unreachable "kind"
                    Expect.equal failure.Attempts 3 "attempts"

                    Expect.stringContains
                        failure.Message
                        $"no connection to the proxy 127.0.0.1:{dead.Port} could be made"
                        "who"

                    Expect.stringContains failure.Message $"({variable})" "what to correct"
                })

            testCaseTask $"its name cannot be resolved: it is the proxy that is named: {scheme}" (fun () ->
                task {
                    use! lab = lab ()
                    let variable = scheme.ToUpperInvariant() + "_PROXY"

                    let! failure =
                        lab.Failed scheme [
                            variable, $"http://{credentials}@no-such-proxy.invalid:3128"
                            "CELLOS_EXPORT_S3_MAX_ATTEMPTS__ARTIFACT_BUCKET", "1"
                        ]

                    Expect.equal failure.Kind ExportFailureKind.Unreachable "kind"

                    Expect.stringContains
                        failure.Message
                        "the host name of the proxy no-such-proxy.invalid:3128 could not be resolved"
                        "who"
                })

            testCaseTask $"it takes no connection: the connect timeout names it: {scheme}" (fun () ->
                task {
                    use! lab = lab ()
                    use! full = FullBacklog.Make()
                    let variable = scheme.ToUpperInvariant() + "_PROXY"

                    let! failure =
                        lab.Failed scheme [
                            variable, $"http://{credentials}@{full.Address}"
                            "CELLOS_EXPORT_S3_MAX_ATTEMPTS__ARTIFACT_BUCKET", "1"
                            "CELLOS_EXPORT_S3_CONNECT_TIMEOUT_MS", "300"
                        ]

                    Expect.equal failure.Kind ExportFailureKind.TimedOut "kind"

                    Expect.stringContains
                        failure.Message
                        $"within 300 ms: the proxy {full.Address} did not answer"
                        "who"

                    Expect.stringContains failure.Message "CELLOS_EXPORT_S3_CONNECT_TIMEOUT_MS" "what to set"
                })

        testCaseTask "silence to the request for a tunnel is bounded by the connect timeout" (fun () ->
            task {
                use! lab = lab ()
                use proxy = new TestProxy(fun _ _ -> Silence)

                let! failure =
                    lab.Failed "https" [
                        yield! throughAs "https" credentials proxy
                        "CELLOS_EXPORT_S3_MAX_ATTEMPTS__ARTIFACT_BUCKET", "2"
                        "CELLOS_EXPORT_S3_CONNECT_TIMEOUT_MS", "300"
                    ]

                Expect.equal failure.Kind ExportFailureKind.TimedOut "kind"
                Expect.equal failure.Attempts 2 "attempts"
                Expect.isTrue (failure.Elapsed < TimeSpan.FromSeconds 10.) "before the request timeout"
                Expect.stringContains failure.Message $"the proxy {proxy.Authority} did not answer" "who"
            })

        testCaseTask "silence in the tunnel is a TLS handshake that does not end" (fun () ->
            task {
                use! lab = lab ()
                use proxy = forwarding ()

                use server =
                    new RawServer(fun _ connection -> task { do! connection.Read Int64.MaxValue })

                let! failure =
                    lab.Failed "https" [
                        yield! through "https" proxy
                        "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET",
                        $"https://127.0.0.1:{server.Port}/k"
                        "CELLOS_EXPORT_S3_MAX_ATTEMPTS__ARTIFACT_BUCKET", "1"
                        "CELLOS_EXPORT_S3_CONNECT_TIMEOUT_MS", "300"
                    ]

                Expect.equal failure.Kind ExportFailureKind.TimedOut "kind"

                Expect.stringContains
                    failure.Message
                    $"there was no TLS handshake within 300 ms: the proxy {proxy.Authority} made the tunnel to 127.0.0.1:{server.Port}, and the TLS handshake in it did not end in time"
                    "what happened"

                Expect.stringContains
                    failure.Message
                    "Check that the port of the URL speaks TLS (https)"
                    "what to do"
            })

        testCaseTask
            "a proxy of https:// that says nothing is a TLS handshake with the proxy that does not end"
            (fun () ->
                task {
                    use! lab = lab ()

                    use proxy =
                        new RawServer(fun _ connection -> task { do! connection.Read Int64.MaxValue })

                    let! failure =
                        lab.Failed "http" [
                            "HTTP_PROXY", $"https://127.0.0.1:{proxy.Port}"
                            "CELLOS_EXPORT_S3_MAX_ATTEMPTS__ARTIFACT_BUCKET", "1"
                            "CELLOS_EXPORT_S3_CONNECT_TIMEOUT_MS", "300"
                        ]

                    Expect.equal failure.Kind ExportFailureKind.TimedOut "kind"

                    Expect.stringContains
                        failure.Message
                        $"the TCP connection to the proxy 127.0.0.1:{proxy.Port} was made, and the TLS handshake did not end in time"
                        "what happened"

                    Expect.stringContains
                        failure.Message
                        "https:// needs a proxy that speaks TLS"
                        "what to do"
                })

        testCaseTask "a server that the proxy cannot reach is told as the proxy tells it" (fun () ->
            task {
                use! lab = lab ()
                use proxy = forwarding ()
                use dead = new DeadPort()
                let at = $"https://127.0.0.1:{dead.Port}/k"

                let! failure =
                    lab.Failed "https" [
                        yield! through "https" proxy
                        "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET", at
                    ]

                Expect.equal failure.Kind ExportFailureKind.Unreachable "kind"
                Expect.equal failure.StatusCode (Nullable(enum 502)) "status"
                Expect.equal proxy.Heads.Length 3 "three requests"
            })

        for scheme in [ "http"; "https" ] do
            testCaseTask
                $"https:// to a proxy without TLS names the proxy and the remedy: {scheme}"
                (fun () ->
                    task {
                        use! lab = lab ()
                        use proxy = withoutTls ()

                        let variable =
                            scheme.ToUpperInvariant() + "_PROXY", $"https://127.0.0.1:{proxy.Port}"

                        let! failure = lab.Failed scheme [ variable ]
                        Expect.equal failure.Kind ExportFailureKind.Unreachable "kind"
                        Expect.equal failure.Attempts 1 "another attempt would end the same way"

                        Expect.stringContains
                            failure.Message
                            $"the proxy 127.0.0.1:{proxy.Port} does not speak TLS"
                            "who it was"

                        Expect.stringContains
                            failure.Message
                            $"In the proxy's URL ({fst variable}), write http://"
                            "what to do"
                    })

        testCaseTask "https to a server without TLS names the server, behind a proxy with TLS too" (fun () ->
            task {
                use! lab = lab ()
                use proxy = guarded ()
                use front = new TlsFront(proxy.Port)

                use server = withoutTls ()

                let! failure =
                    lab.Failed "https" [
                        "HTTPS_PROXY", $"https://{credentials}@localhost:{front.Port}"
                        "CELLOS_CA_BUNDLE", front.Bundle
                        "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET",
                        $"https://127.0.0.1:{server.Port}/k"
                    ]

                Expect.equal failure.Attempts 1 "attempts"

                Expect.stringContains
                    failure.Message
                    $"127.0.0.1:{server.Port} (through the proxy localhost:{front.Port}) does not speak TLS"
                    "the server"

                Expect.stringContains
                    failure.Message
                    "Ask the presigner whether scheme and port of the URL are right"
                    "what to do"
            })

        testCaseTask "a tunnel that ends before TLS begins is tried again" (fun () ->
            task {
                use! lab = lab ()

                use proxy =
                    new TestProxy(fun _ _ -> Last "HTTP/1.1 200 Connection established\r\n\r\n")

                let! failure = lab.Failed "https" (through "https" proxy)
                Expect.equal failure.Kind ExportFailureKind.Unreachable "kind"
                Expect.equal failure.Attempts 3 "attempts"
                Expect.equal proxy.Heads.Length 3 "three requests"
            })

        testCaseTask "without a proxy, the server that nobody is at is named with its port" (fun () ->
            task {
                use! lab = lab ()
                use dead = new DeadPort()
                let at = $"http://127.0.0.1:{dead.Port}/k"

                let! failure =
                    lab.Failed "http" [ "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET", at ]

                Expect.equal failure.Kind ExportFailureKind.Unreachable "kind"

                Expect.stringContains
                    failure.Message
                    $"no connection to 127.0.0.1:{dead.Port} could be made"
                    "host and port"
            })
    ]
