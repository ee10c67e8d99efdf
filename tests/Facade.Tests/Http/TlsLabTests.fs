/// The fault lab's TLS rows: certificates as `openssl` makes them, in the bundles that operators write.
module Facade.Tests.TlsLabTests

open System
open System.Diagnostics
open System.IO
open System.Net.Security
open System.Security.Cryptography.X509Certificates
open System.Text
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open CellOS.Export.S3.Http
open Expecto
open Facade.Tests.FaultLab
open Facade.Tests.FaultLaws
open Facade.Tests.Support

/// What `openssl ca` and `openssl req` need to know of each kind of certificate.
let private configuration =
    """
[ca]
default_ca = lab
[lab]
database = index
new_certs_dir = .
default_md = sha256
policy = any
rand_serial = yes
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = nothing
[nothing]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[intermediate]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = IP:127.0.0.1, DNS:localhost
[elsewhere]
extendedKeyUsage = serverAuth
subjectAltName = DNS:elsewhere.example, IP:127.0.0.2
[client]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = clientAuth
subjectAltName = IP:127.0.0.1
"""

let private start (folder: Folder) (arguments: string list) =
    let start =
        ProcessStartInfo(
            "openssl",
            arguments,
            WorkingDirectory = folder.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true
        )

    nonNull (Process.Start start)

let private openssl (folder: Folder) (arguments: string) =
    use run = start folder (List.ofArray (arguments.Split ' '))
    let errors = run.StandardError.ReadToEndAsync()
    let output = run.StandardOutput.ReadToEnd()
    run.WaitForExit()

    if run.ExitCode <> 0 then
        failtest $"openssl {arguments}:\n{errors.Result}"

    output

let private isThere =
    lazy
        (try
            use folder = new Folder()
            use run = start folder [ "version" ]
            run.WaitForExit()
            run.ExitCode = 0
         with :? ComponentModel.Win32Exception ->
             false)

/// A certificate with its key, for a server; and in PEM.
type private Issued = {
    Certificate: X509Certificate2
    Pem: string
    KeyPem: string
}

type private Authorities = {
    Root: Issued
    Other: Issued
    Third: Issued
    Intermediate: Issued
    /// A server's certificate of each kind.
    Of: string -> Issued
    /// The root in other forms than PEM.
    Der: byte[]
    Pkcs7: string
    Trusted: string
    Request: string
    /// The root and another one as `openssl x509 -text` prints them, with the text before each.
    Printed: string
}

let private make () =
    use folder = new Folder()
    let openssl = openssl folder
    let read (name: string) = File.ReadAllText(folder.At name)
    File.WriteAllText(folder.At "lab.cnf", configuration)
    File.WriteAllText(folder.At "index", "")

    let newKey =
        "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -config lab.cnf"

    let issued name =
        use keyless = X509Certificate2.CreateFromPem(read $"{name}.pem", read $"{name}.key")

        {
            // By way of PKCS #12: Windows serves with no key that is in memory only.
            Certificate = X509CertificateLoader.LoadPkcs12(keyless.Export X509ContentType.Pfx, null)
            Pem = read $"{name}.pem"
            KeyPem = read $"{name}.key"
        }

    let selfSigned name kind =
        openssl
            $"req -x509 {newKey} -keyout {name}.key -out {name}.pem -days 30 -subj /CN={name} -extensions {kind}"
        |> ignore

        issued name

    let utc (at: DateTime) = at.ToString "yyMMddHHmmss'Z'"
    let now = DateTime.UtcNow

    let issueBetween (first: DateTime) (last: DateTime) issuer name kind =
        openssl $"req -new {newKey} -keyout {name}.key -out {name}.csr -subj /CN={name}"
        |> ignore

        openssl
            $"ca -batch -notext -config lab.cnf -cert {issuer}.pem -keyfile {issuer}.key -in {name}.csr -out {name}.pem -extensions {kind} -startdate {utc first} -enddate {utc last}"
        |> ignore

        issued name

    let issue = issueBetween (now.AddDays -1.) (now.AddDays 10.)
    let root = selfSigned "Lab-Root" "root"
    let other = selfSigned "Other-Root" "root"
    let third = selfSigned "Third-Root" "root"
    let intermediate = issue "Lab-Root" "Lab-Intermediate" "intermediate"

    let leaves =
        dict [
            "good", issue "Lab-Root" "good" "server"
            "behind", issue "Lab-Intermediate" "behind" "server"
            "elsewhere", issue "Lab-Root" "elsewhere" "elsewhere"
            "client", issue "Lab-Root" "client" "client"
            "expired", issueBetween (now.AddDays -9.) (now.AddHours -1.) "Lab-Root" "expired" "server"
            "early", issueBetween (now.AddHours 1.) (now.AddDays 9.) "Lab-Root" "early" "server"
            "self", selfSigned "self" "server"
        ]

    openssl "x509 -in Lab-Root.pem -outform DER -out root.der" |> ignore

    {
        Root = root
        Other = other
        Third = third
        Intermediate = intermediate
        Of = fun name -> leaves[name]
        Der = File.ReadAllBytes(folder.At "root.der")
        Pkcs7 = openssl "crl2pkcs7 -nocrl -certfile Lab-Root.pem"
        Trusted = openssl "x509 -in Lab-Root.pem -trustout"
        Request = read "good.csr"
        Printed = openssl "x509 -text -in Other-Root.pem" + openssl "x509 -text -in Lab-Root.pem"
    }

let private authorities = lazy (make ())

let private needed () =
    if not isThere.Value then
        skiptest "needs openssl on the PATH"

    authorities.Value

type private Ends =
    | Trusted
    | Rejected of says: string

type private Row = {
    Name: string
    /// Which certificate the server has, of those by name.
    Server: string
    /// Authorities that it sends along.
    Sends: Authorities -> Issued list
    Bundle: Authorities -> string option
    Ends: Ends
}

let private row name server bundle ends = {
    Name = name
    Server = server
    Sends = fun _ -> []
    Bundle = bundle
    Ends = ends
}

let private sending sends row = { row with Sends = sends }
let private root authorities = Some authorities.Root.Pem

let private rows = [
    row "of the authority in the bundle" "good" root Trusted
    row "of an authority that is not in the bundle"
    <| "good"
    <| (fun all -> Some all.Other.Pem)
    <| Rejected "is not trusted"
    row "of a private authority, without a bundle" "good" (fun _ -> None) (Rejected "is not trusted")
    row "of the last of several authorities"
    <| "good"
    <| (fun all -> Some(all.Other.Pem + all.Third.Pem + all.Other.Pem + all.Root.Pem))
    <| Trusted
    row "of the last of several authorities, with openssl's text between them"
    <| "good"
    <| (fun all -> Some all.Printed)
    <| Trusted
    row "of the last of several authorities, with comments and blank lines between them"
    <| "good"
    <| (fun all -> Some $"# ours\n\n{all.Other.Pem}\n\n# theirs: Société\n \t\n{all.Root.Pem}\n\n\n")
    <| Trusted
    row "of an authority in a bundle with the line ends of Windows and a byte order mark"
    <| "good"
    <| (fun all -> Some("\uFEFF" + (all.Other.Pem + all.Root.Pem).ReplaceLineEndings "\r\n"))
    <| Trusted
    row "of an intermediate authority that the server sends" "behind" root Trusted
    |> sending (fun all -> [ all.Intermediate ])
    row "of an intermediate authority that the server sends with its root" "behind" root Trusted
    |> sending (fun all -> [ all.Intermediate; all.Root ])
    row "of an intermediate authority that nobody has" "behind" root (Rejected "is not trusted")
    row "of an intermediate authority that is in the bundle beside its root"
    <| "behind"
    <| (fun all -> Some(all.Root.Pem + all.Intermediate.Pem))
    <| Trusted
    row "of an intermediate authority that is sent with a root that is not in the bundle"
    <| "behind"
    <| (fun all -> Some all.Other.Pem)
    <| Rejected "is not trusted"
    |> sending (fun all -> [ all.Intermediate; all.Root ])
    row "for other hosts" "elsewhere" root (Rejected "does not name the host 127.0.0.1")
    row
        "that has expired"
        "expired"
        root
        (Rejected "is not trusted: it has expired or is not valid yet (NotTimeValid).")
    row
        "that is not valid yet"
        "early"
        root
        (Rejected "is not trusted: it has expired or is not valid yet (NotTimeValid).")
    row "for clients" "client" root (Rejected "is not trusted: NotValidForUsage.")
    row "of its own signing, in the bundle" "self" (fun all -> Some (all.Of "self").Pem) Trusted
    row "of its own signing, not in the bundle" "self" root (Rejected "is not trusted")
    row "of its own signing, without a bundle" "self" (fun _ -> None) (Rejected "is not trusted")
]

let private content = patterned 5000

let private connects (row: Row) =
    testCaseTask row.Name (fun () ->
        task {
            let all = needed ()

            let chain =
                X509Certificate2Collection [| for issued in row.Sends all -> issued.Certificate |]

            let options =
                SslServerAuthenticationOptions(
                    ServerCertificateContext =
                        SslStreamCertificateContext.Create(
                            (all.Of row.Server).Certificate,
                            chain,
                            offline = true
                        )
                )

            let server = rawTlsWith options (row.Bundle all) healthy
            use! lab = labFor setup server 0
            let! outcome, account = lab.Push content

            match row.Ends with
            | Trusted ->
                Expect.equal (Expect.wantOk outcome "a receipt").Attempts 1 "attempts"
                Expect.equal (account ()).Held (Some(sha256 content)) "what the server holds"
            | Rejected says ->
                let failure = Expect.wantError outcome "no receipt"
                Expect.equal failure.Kind ExportFailureKind.CertificateRejected "kind"
                Expect.equal failure.Attempts 1 "it is not tried again"
                Expect.isFalse failure.MayBeStored "certainly not sent"
                Expect.stringContains failure.Message says "why"

                let remedy =
                    if says.Contains "name" then "Correct the host in the URL"
                    elif says.Contains "expired" then "renew the certificate"
                    else "CELLOS_CA_BUNDLE"

                Expect.stringContains failure.Message remedy "what to do"
                Expect.isEmpty (account ()).Requests "not one byte of a request"
                Expect.equal (account ()).Connections 1 "one connection"
        })

/// What a server does instead of a handshake, and how the push ends then: it may be better the next time.
let private interrupted: (string * (Connection -> Task)) list = [
    "closes", (fun connection -> task { connection.Close() })
    "resets", (fun connection -> task { connection.Reset() })
    "closes after the client's hello",
    (fun connection ->
        task {
            do! connection.ReadSome ignore
            connection.Close()
        })
    "sends an alert after the client's hello",
    (fun connection ->
        task {
            do! connection.ReadSome ignore
            // Fatal, handshake_failure (RFC 8446, 6).
            do! connection.SendBytes [| 21uy; 3uy; 3uy; 0uy; 2uy; 2uy; 40uy |]
            connection.Close()
        })
]

/// Servers without TLS.
let private withoutTls: (string * (Connection -> Task)) list = [
    "HTTP",
    (fun connection ->
        task {
            do! connection.ReadSome ignore
            do! connection.Send "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
            connection.Close()
        })
    "HTTP, with an error page",
    (fun connection ->
        task {
            do! connection.ReadSome ignore
            do! connection.Send "<html><body>Bad request syntax</body></html>"
            connection.Close()
        })
    "SSH",
    (fun connection ->
        task {
            do! connection.Send "SSH-2.0-OpenSSH_9.6\r\n"
            do! connection.ReadSome ignore
            connection.Close()
        })
    "SMTP",
    (fun connection ->
        task {
            do! connection.Send "220 mail.example ESMTP\r\n"
            do! connection.ReadSome ignore
            connection.Close()
        })
]

/// The failure of a push to a server of raw bytes.
let private failureOver (server: RawServer) (setup: Setup) =
    task {
        use folder = new Folder()
        let path = folder.Write("f", content)
        let url = $"https://127.0.0.1:{server.Port}/evidence/a"

        use sink = new PresignedS3ExportSink(optionsOf setup url null null)
        return! failureOf (fun () -> sink.PushAsync("a", path))
    }

/// The failure of a push to a server of raw bytes, at most `attempts` times.
let private failureAt (server: RawServer) (attempts: int) =
    failureOver server { setup with Attempts = attempts }

let private silent =
    testCaseTask "https to a server that stays silent is a handshake that does not end" (fun () ->
        task {
            use server =
                new RawServer(fun _ connection -> task { do! connection.Read Int64.MaxValue })

            let! failure =
                failureOver server {
                    setup with
                        Attempts = 1
                        ConnectTimeout = TimeSpan.FromMilliseconds 300.
                }

            Expect.equal failure.Kind ExportFailureKind.TimedOut "kind"

            Expect.stringContains
                failure.Message
                $"there was no TLS handshake within 300 ms: the TCP connection to 127.0.0.1:{server.Port} was made"
                "what happened"

            Expect.isFalse (failure.Message.Contains "no connection") "there was one"
        })

let private interrupts (name: string) (serve: Connection -> Task) =
    testCaseTask $"that {name} instead of a handshake is tried again, and gets no request" (fun () ->
        task {
            use server = new RawServer(fun _ connection -> serve connection)
            let! failure = failureAt server 2
            Expect.equal failure.Kind ExportFailureKind.Unreachable "kind"
            Expect.equal failure.Attempts 2 "attempts"
            Expect.equal server.Connections 2 "connections"
            Expect.isFalse failure.MayBeStored "certainly not sent"
        })

let private failsAtOnce (name: string) (serve: Connection -> Task) =
    testCaseTask $"https to a server that speaks {name} ends the push and says so" (fun () ->
        task {
            use server = new RawServer(fun _ connection -> serve connection)
            let! failure = failureAt server 3
            Expect.equal failure.Kind ExportFailureKind.Unreachable "kind"
            Expect.equal (failure.Attempts, server.Connections) (1, 1) "one attempt"
            Expect.isFalse failure.MayBeStored "certainly not sent"
            Expect.stringContains failure.Message $"127.0.0.1:{server.Port} does not speak TLS" "what it is"

            Expect.stringContains
                failure.Message
                "Ask the presigner whether scheme and port of the URL are right"
                "what to do"
        })

let private broken: (string * (Authorities -> byte[]) * string) list =
    let text (make: Authorities -> string) (all: Authorities) = Encoding.ASCII.GetBytes(make all)

    [
        "is empty", text (fun _ -> ""), "holds no certificate"
        "is DER", (fun all -> all.Der), "it may be DER (openssl x509 -inform der)"
        "is PKCS #7", text _.Pkcs7, "has 'PKCS7', not a certificate, in line 1"
        "is a certificate request", text _.Request, "has 'CERTIFICATE REQUEST', not a certificate, in line 1"
        "is a private key",
        text _.Root.KeyPem,
        "has a private key (PRIVATE KEY), which does not belong there, in line 1"
        "has a private key behind the certificate",
        text (fun all -> all.Root.Pem.TrimEnd() + "\n# the key\n" + all.Root.KeyPem),
        "(PRIVATE KEY), which does not belong there, in line "
        "is cut off in its last certificate",
        text (fun all -> "\n\n" + all.Root.Pem.Substring(0, all.Root.Pem.Length / 2)),
        "is cut off: the CERTIFICATE that begins in line 3 has no end"
        "has a certificate that is cut off, and whole ones after it",
        text (fun all -> all.Other.Pem.Substring(0, all.Other.Pem.Length / 2) + "\n" + all.Root.Pem),
        "is cut off: the CERTIFICATE that begins in line 1 has no end"
        "ends in a label", text (fun _ -> "-----BEGIN CERTI"), "is cut off in line 1"
        "has an end of another label",
        text (fun all -> all.Root.Pem.Replace("END CERTIFICATE", "END X509 CERTIFICATE")),
        "has no end"
        "has text among the Base64",
        text (fun all -> all.Root.Pem.Replace("\nMII", "\nSubject: x\nMII")),
        "is broken"
        "has a certificate whose octets are cut off",
        text (fun all ->
            "-----BEGIN CERTIFICATE-----\n"
            + Convert.ToBase64String(all.Der, 0, all.Der.Length / 2)
            + "\n-----END CERTIFICATE-----\n"),
        "is broken"
    ]

/// The refusal to build a sink with this bundle.
let private refusal (path: string) =
    try
        use _ = new PresignedS3ExportSink(optionsOf setup "https://h/x" null path)
        failtest "a sink where a refusal was expected"
    with :? ArgumentException as error ->
        Expect.stringContains error.Message path "which file"
        Expect.stringContains error.Message "-----BEGIN CERTIFICATE-----" "what to give"
        error.Message

[<Tests>]
let tests =
    testList "the TLS lab" [
        testList "a certificate" (List.map connects rows)

        testList "a server" [
            for name, serve in interrupted do
                interrupts name serve

            for name, serve in withoutTls do
                failsAtOnce name serve

            silent
        ]

        testCase "a bundle is read as OpenSSL's users have it" (fun () ->
            let all = needed ()
            let root, other = all.Root.Pem.Trim(), all.Other.Pem.Trim()

            let relabel (label: string) (pem: string) =
                pem.Replace(" CERTIFICATE-----", $" {label}-----")

            for name, text, count in
                [
                    "one", root, 1
                    "two", root + "\n" + other + "\n", 2
                    "glued together without a line break", root + other, 2
                    "three glued together", root + other + root, 3
                    "Windows' line ends", (root + "\n" + other).Replace("\n", "\r\n"), 2
                    "blanks before the lines", "  " + root.Replace("\n", "\n  "), 1
                    "X509 CERTIFICATE", relabel "X509 CERTIFICATE" root, 1
                    "TRUSTED CERTIFICATE", all.Trusted, 1
                    "comments that quote PEM lines",
                    "# -----BEGIN CERTIFICATE----- begins one\nof -----BEGIN PRIVATE KEY----- there is none\n"
                    + root,
                    1
                    "comments behind the end", root + " -----BEGIN is not one\n" + other, 2
                    "a byte order mark", "\ufeff" + root, 1
                ] do
                let certificates = X509Certificate2Collection()
                Expect.isNull (PemCertificates.Read(text, certificates)) name
                Expect.equal certificates.Count count name)

        testCase "a bundle in UTF-16 is read by its byte order mark" (fun () ->
            let all = needed ()
            use folder = new Folder()

            let bytes =
                Array.append [| 0xffuy; 0xfeuy |] (Encoding.Unicode.GetBytes all.Root.Pem)

            use _ =
                new PresignedS3ExportSink(optionsOf setup "https://h/x" null (folder.Write("ca.pem", bytes)))

            ())

        testList "a bundle is refused that" [
            for name, make, says in broken do
                testCase name (fun () ->
                    let all = needed ()
                    use folder = new Folder()
                    let message = refusal (folder.Write("ca.pem", make all))
                    Expect.stringContains message says "what is wrong"

                    for line in all.Root.KeyPem.Split('\n') do
                        if line.Length > 20 && not (line.StartsWith '-') then
                            Expect.isFalse (message.Contains line) "nothing of a key")

            testCase "is a folder" (fun () ->
                use folder = new Folder()
                refusal folder.Path |> ignore)

            testCase "may not be read" (fun () ->
                linuxOnly ()

                if Environment.IsPrivilegedProcess then
                    skiptest "needs a user who may not read everything"

                use folder = new Folder()
                let path = folder.Write("ca.pem", Encoding.ASCII.GetBytes (needed ()).Root.Pem)
                File.SetUnixFileMode(path, UnixFileMode.None)
                Expect.stringContains (refusal path) "cannot be read" "what is wrong")
        ]
    ]
