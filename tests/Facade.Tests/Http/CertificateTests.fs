module Facade.Tests.CertificateTests

open System
open System.IO
open System.Net
open System.Security.Cryptography
open System.Security.Cryptography.X509Certificates
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Facade.Tests.Certificates
open Facade.Tests.Support
open Tests.TlsServer

let private push (url: string) (bundle: string | null) =
    task {
        use folder = new Folder()
        let path = folder.Write("f", "evidence"B)

        use sink =
            new PresignedS3ExportSink(
                PresignedS3ExportSinkOptions(
                    PresignedUrl = url,
                    CellId = cellId,
                    Bucket = bucket,
                    CaBundle = bundle,
                    RetryBackoff = TimeSpan.Zero
                )
            )

        try
            let! receipt = sink.PushAsync("a", path)
            return Ok receipt
        with :? ExportException as failure ->
            return Error failure
    }

let private rejected (outcome: Result<ExportReceipt, ExportException>) (text: string) =
    let failure = Expect.wantError outcome "no receipt"
    Expect.equal failure.Kind ExportFailureKind.CertificateRejected "kind"
    Expect.equal failure.Attempts 1 "it is not tried again"
    Expect.stringContains failure.Message text "why"

    let remedy =
        if text.Contains "name" then "Correct the host in the URL"
        elif failure.Message.Contains "it has expired" then "renew the certificate"
        else "CELLOS_CA_BUNDLE (in code: CaBundle)"

    Expect.stringContains failure.Message remedy "what to do"
    Expect.isFalse failure.MayBeStored "certainly not sent"

let private later = DateTimeOffset.UtcNow.AddDays 10.

[<Tests>]
let tests =
    testList "a server's certificate" [
        testCaseTask "of a private authority is trusted by the bundle, and only by it" (fun () ->
            task {
                use folder = new Folder()
                use root = authority "Private Root"
                use other = authority "Another Root"
                use certificate = issue root "127.0.0.1" later
                use server = new TlsServer(certificate, [])

                let bundle =
                    folder.Write(
                        "ca.pem",
                        Text.Encoding.ASCII.GetBytes(
                            other.ExportCertificatePem() + "\n" + root.ExportCertificatePem() + "\n"
                        )
                    )

                let! outcome = push (server.Origin "127.0.0.1" + "/evidence/a") bundle
                Expect.equal (Expect.wantOk outcome "a receipt").BytesWritten 8L "exported"
                let! outcome = push (server.Origin "127.0.0.1" + "/evidence/a") null
                rejected outcome "is not trusted"

                let wrong =
                    folder.Write("other.pem", Text.Encoding.ASCII.GetBytes(other.ExportCertificatePem()))

                let! outcome = push (server.Origin "127.0.0.1" + "/evidence/a") wrong
                rejected outcome "is not trusted"
            })

        for host, subject, names in
            [
                "localhost", "localhost", None
                "127.0.0.1", "127.0.0.1", None
                "localhost", "localhost", Some [ "email:ops@localhost" ]
                "localhost", "localhost", Some [ "elsewhere.example" ]
                "127.0.0.1", "127.0.0.1", Some [ "127.0.0.1" ]
            ] do
            let what =
                match names with
                | None -> "no Subject Alternative Names"
                | Some names -> $"the names {names}"

            testCaseTask $"with CN={subject} and {what} does not name the host {host}" (fun () ->
                task {
                    use folder = new Folder()
                    use root = authority "Private Root"

                    use certificate =
                        names
                        |> Option.map (fun names ->
                            let builder = SubjectAlternativeNameBuilder()

                            for name in names do
                                if name.StartsWith "email:" then
                                    builder.AddEmailAddress(name.Substring 6)
                                else
                                    builder.AddDnsName name

                            builder)
                        |> issueWith root subject later

                    use server = new TlsServer(certificate, [])

                    let bundle =
                        folder.Write("ca.pem", Text.Encoding.ASCII.GetBytes(root.ExportCertificatePem()))

                    let bundles: (string | null) list = [ bundle; null ]

                    for bundle in bundles do
                        let! outcome = push (server.Origin host + "/evidence/a") bundle
                        rejected outcome "name"
                })

        // Self-signed, as `openssl req -x509` makes it: it is its own authority.
        for isNamed in [ false; true ] do
            let what = if isNamed then "with" else "without"

            testCaseTask
                $"of its own signing, {what} a Subject Alternative Name, with CN=localhost and in the bundle"
                (fun () ->
                    task {
                        use folder = new Folder()
                        use certificate = selfSigned "localhost" isNamed
                        use server = new TlsServer(certificate, [])

                        let bundle =
                            folder.Write(
                                "own.pem",
                                Text.Encoding.ASCII.GetBytes(certificate.ExportCertificatePem())
                            )

                        let! outcome = push (server.Origin "localhost" + "/evidence/a") bundle

                        if isNamed then
                            Expect.isOk outcome "the name counts"
                        else
                            rejected outcome "name"
                    })

        testCaseTask "whose subject is another is trusted for its Subject Alternative Name" (fun () ->
            task {
                use folder = new Folder()
                use root = authority "Private Root"
                let names = SubjectAlternativeNameBuilder()
                names.AddDnsName "localhost"
                use certificate = issueWith root "elsewhere.example" later (Some names)
                use server = new TlsServer(certificate, [])

                let bundle =
                    folder.Write("ca.pem", Text.Encoding.ASCII.GetBytes(root.ExportCertificatePem()))

                let! outcome = push (server.Origin "localhost" + "/evidence/a") bundle
                Expect.isOk outcome "the name counts"
            })

        for name, host, until, why in
            [
                "for another host", "elsewhere.example", later, "does not name the host 127.0.0.1"
                "that has expired", "127.0.0.1", DateTimeOffset.UtcNow.AddHours -1., "is not trusted"
            ] do
            testCaseTask $"{name} is rejected, though the bundle knows who issued it" (fun () ->
                task {
                    use folder = new Folder()
                    use root = authority "Private Root"
                    use certificate = issue root host until
                    use server = new TlsServer(certificate, [])

                    let bundle =
                        folder.Write("ca.pem", Text.Encoding.ASCII.GetBytes(root.ExportCertificatePem()))

                    let! outcome = push (server.Origin "127.0.0.1" + "/evidence/a") bundle
                    rejected outcome why
                })

        for name, content in
            [
                "an empty bundle", ""
                "a bundle without a certificate", "hello\n"
                "a bundle of a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
                "a bundle with a broken certificate",
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
            ] do
            testCase $"{name} is refused when the sink is built" (fun () ->
                use folder = new Folder()
                let path = folder.Write("ca.pem", Text.Encoding.ASCII.GetBytes content)

                let error =
                    try
                        use _ =
                            new PresignedS3ExportSink("https://h/x", cellId, bucket, null, null, path, 1, 0L)

                        None
                    with :? ArgumentException as error ->
                        Some error

                let error = Expect.wantSome error "refused"
                Expect.stringContains error.Message path "which file"
                Expect.stringContains error.Message "PEM" "what to do")

        testCase "a bundle with a block that is not whole is refused when the sink is built" (fun () ->
            use folder = new Folder()
            use root = authority "Private Root"
            let good = root.ExportCertificatePem() + "\n"

            for name, broken, says in
                [
                    "no end", good.Replace("-----END CERTIFICATE-----", ""), "has no end"
                    "a mangled end",
                    good.Replace("-----END CERTIFICATE", "-----ENDCERTIFICATE"),
                    "has no end"
                    "a character that is not Base64", good.Insert(100, "!"), "cannot be read"
                    "another kind",
                    good.Replace("CERTIFICATE", "X509 CRL"),
                    "has 'X509 CRL', not a certificate"
                    "a label that may be a secret",
                    good.Replace("CERTIFICATE", String('9', 20) + "ABCDEF"),
                    "has a block with an unknown label, not a certificate"
                    "a label that ends as that of a key",
                    good.Replace("CERTIFICATE", "q1w2e3r4 PRIVATE KEY"),
                    "has a private key, which does not belong there"
                ] do
                let path = folder.Write("ca.pem", Text.Encoding.ASCII.GetBytes(good + broken))

                try
                    use _ =
                        new PresignedS3ExportSink("https://h/x", cellId, bucket, null, null, path, 1, 0L)

                    failtest $"a sink where a refusal was expected: {name}"
                with :? ArgumentException as error ->
                    Expect.stringContains error.Message says name)

        testCase "a bundle's fault is told with all the others" (fun () ->
            try
                use _ =
                    new PresignedS3ExportSink(
                        "ftp://h/x",
                        cellId,
                        bucket,
                        null,
                        null,
                        "/no/such/ca.pem",
                        0,
                        0L
                    )

                failtest "a sink where a refusal was expected"
            with :? ArgumentException as error ->
                for text in [ "/no/such/ca.pem"; "http://"; "number of attempts" ] do
                    Expect.stringContains error.Message text "each is named")

        testCase "a bundle that is not there is refused when the sink is built" (fun () ->
            Expect.throwsT<ArgumentException>
                (fun () ->
                    use _ =
                        new PresignedS3ExportSink(
                            "https://h/x",
                            cellId,
                            bucket,
                            null,
                            null,
                            "/no/such/ca.pem",
                            1,
                            0L
                        )

                    ())
                "refused")
    ]
