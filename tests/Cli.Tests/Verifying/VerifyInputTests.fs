module Cli.Tests.VerifyInputTests

open System
open System.IO
open System.Threading
open CellOS.Export.S3.Cli
open CellOS.Export.S3.Cli.Verifying
open Expecto
open Cli.Tests.Support
open Cli.Tests.VerifyScene

let private names = [ "a"; "logs/c" ]

/// Inputs that cannot be read, and what is said of each.
let private unreadable: (string * (Exported -> string list) * string) list = [
    "no file of receipts",
    (fun given -> [ "--receipts"; given.Folder.At "none" ]),
    "There is no receipts file"
    "a file of receipts that is something else",
    (fun given -> [ "--receipts"; given.Folder.Write("other", "evidence\n") ]),
    "contains no receipt"
    "a folder as a file of receipts", (fun given -> [ "--receipts"; given.Bundle ]), "is a folder"
    "a file of receipts twice",
    (fun given -> [ "--receipts"; given.Receipts; given.Folder.At "./receipts.jsonl" ]),
    "is given twice"
    "no file of seals",
    (fun given -> [ "--seals"; given.Folder.At "none"; "--key"; given.PublicKey ]),
    "There is no file of seals"
    "a large file that has no seal",
    (fun given -> [
        "--seals"
        given.Folder.Write("other", String('x', 1_000_000))
        "--key"
        given.PublicKey
    ]),
    "has a line 1 that is not a seal"
    "a private key",
    (fun given -> [ "--seals"; given.Seals; "--key"; given.Sealing.KeyPath ]),
    "is a private key, with which seals can be forged"
    "an encrypted private key",
    (fun given -> [ "--seals"; given.Seals; "--key"; given.Sealing.Encrypted ]),
    "is a private key, with which seals can be forged"
    "a file that is not a key",
    (fun given -> [ "--seals"; given.Seals; "--key"; given.Receipts ]),
    "is not a PEM file with a public key"
    "a damaged key",
    (fun given -> [
        "--seals"
        given.Seals
        "--key"
        given.Folder.Write("k.pem", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    ]),
    "is not an ECDSA key over P-256, or is damaged"
    "a certificate",
    (fun given -> [
        "--seals"
        given.Seals
        "--key"
        given.Folder.Write("c.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    ]),
    "is a certificate"
    "a key of another curve",
    (fun given ->
        use key =
            Security.Cryptography.ECDsa.Create(Security.Cryptography.ECCurve.NamedCurves.nistP384)

        [
            "--seals"
            given.Seals
            "--key"
            given.Folder.Write("p384.pem", key.ExportSubjectPublicKeyInfoPem())
        ]),
    "of another curve than P-256"
    "no bundle",
    (fun given -> [ "--receipts"; given.Receipts; "--bundle"; given.Folder.At "none" ]),
    "There is no file or folder"
    "a file as a bundle",
    (fun given -> [ "--receipts"; given.Receipts; "--bundle"; given.Receipts ]),
    "is a file. Give the folder"
    "a link as a bundle",
    (fun given ->
        File.CreateSymbolicLink(given.Folder.At "link", given.Bundle) |> ignore
        [ "--receipts"; given.Receipts; "--bundle"; given.Folder.At "link" ]),
    "is a symbolic link"
]

[<Tests>]
let tests =
    testList "verify and its inputs" [
        testCaseTask "ends with 2 and a sentence if an input cannot be read" (fun () ->
            task {
                let! given, _ = exported names
                use _ = given

                for what, arguments, expected in unreadable do
                    let! code, output, error = verify (arguments given)
                    Expect.equal code 2 $"{what}: {output}{error}"
                    Expect.stringContains error expected what
                    Expect.isLessThanOrEqual (error.Split(' ').Length) 50 error
            })

        testCaseTask "keys of several years may be in one file or in several" (fun () ->
            task {
                let! given, _ = exported names
                use _ = given

                use other =
                    Security.Cryptography.ECDsa.Create(Security.Cryptography.ECCurve.NamedCurves.nistP256)

                let pem = other.ExportSubjectPublicKeyInfoPem()

                let both =
                    given.Folder.Write("both.pem", pem + "\n" + File.ReadAllText given.PublicKey)

                let one = given.Folder.Write("one.pem", pem)

                for keys in [ [ both ]; [ one; given.PublicKey ]; [ given.PublicKey; both ] ] do
                    let! code, output, error = verify ([ "--seals"; given.Seals; "--key" ] @ keys)
                    Expect.equal code 0 (output + error)
            })

        testCaseTask "a file in the bundle that cannot be read leaves the verification incomplete" (fun () ->
            task {
                let! given, _ = exported names
                use _ = given
                // A name that is not valid UTF-8 cannot be compared with any.
                shell "touch \"$0/$(printf 'x\\377')\"" given.Bundle |> ignore
                let! code, output, error = verify given.All
                Expect.equal code 2 (output + error)
                Expect.stringContains output "is not valid UTF-8" "which one"
                Expect.equal (verdict output) "INCOMPLETE: 1 input could not be read." "the verdict"
                File.AppendAllText(Path.Join(given.Bundle, "a"), "x")
                let! code, output, _ = verify given.All
                Expect.equal code 1 "a failed check outweighs it"
                Expect.stringStarts (verdict output) "FAILED: " "the verdict"
                // .NET cannot remove it.
                shell "rm -r \"$0\"" given.Bundle |> ignore
            })

        testCaseTask "pipes and links in the bundle are left out, with a note" (fun () ->
            task {
                let! given, _ = exported names
                use _ = given
                pipe (Path.Join(given.Bundle, "pipe"))

                File.CreateSymbolicLink(Path.Join(given.Bundle, "link"), given.Receipts)
                |> ignore

                let! code, output, error = verify given.All
                Expect.equal code 0 (output + error)
                Expect.stringContains error "pipe' is a pipe; it is left out" "the pipe"
                Expect.stringContains error "link' is a symbolic link; it is left out" "the link"
            })

        testCase "a file that changes between two readings is refused, and one that grows is not" (fun () ->
            use folder = new Folder()
            let path = folder.Write("r.jsonl", line "a" + "\n")

            let file =
                Seq.exactlyOne (ProofFile.All([ path ], ReceiptLines.Role, CancellationToken.None))

            let read () =
                let lines = ResizeArray()
                ReceiptLines.Read(file, fun number _ -> lines.Add number) |> ignore
                lines.Count

            Expect.equal (read ()) 1 "one line"
            File.AppendAllText(path, line "b" + "\n")
            Expect.equal (read ()) 1 "what a push appended is not read"
            File.WriteAllText(path, (line "a").Replace("etag-md5", "ETAG-md5") + "\n")

            let refused = Expect.throwsC (read >> ignore) (fun exception' -> exception'.Message)

            Expect.stringContains refused "changed while it was verified" "changed"
            File.WriteAllText(path, "")
            Expect.throwsT<RefusedException> (read >> ignore) "shortened")
    ]
