module Facade.Tests.SealKeyTests

open System
open System.IO
open System.Security.Cryptography
open System.Security.Cryptography.X509Certificates
open System.Text
open CellOS.Export.S3
open Expecto
open Facade.Tests.Support
open Facade.Tests.SealSupport

let private password = "correct horse"

let private pbe =
    PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)

let private ascii (text: string) = Encoding.ASCII.GetBytes text

/// A key file with this content, and what opening it is refused with.
let private refusalOf (content: byte[]) (passwordFile: string option) =
    use folder = new Folder()
    let key = folder.Write("key.pem", content)

    let passwordPath: string | null =
        match passwordFile with
        | Some text -> folder.Write("password", ascii text)
        | None -> null

    let message =
        refusal (fun () -> ExportSeal.Open(key, folder.At "seals.jsonl", passwordPath).Dispose())

    Expect.isFalse (File.Exists(folder.At "seals.jsonl")) "the file of seals is not made"
    Expect.stringContains message folder.Path "names the file"
    Expect.isFalse (message.Contains password) "not the password"
    message

let private p256 () =
    ECDsa.Create ECCurve.NamedCurves.nistP256

[<Tests>]
let tests =
    testList "SealKey" [
        testCase "opens a plain key, whose id is the SHA-256 of its SubjectPublicKeyInfo" (fun () ->
            use folder = new Folder()
            let key, path = newKey folder "key.pem"
            let notes = ResizeArray()
            use seal = ExportSeal.Open(path, folder.At "s", null, Action<string> notes.Add)
            Expect.equal seal.KeyId (sha256 (key.ExportSubjectPublicKeyInfo())) "the id"
            Expect.isEmpty notes "nothing unusual")

        testCase "opens an encrypted key with the password in a file, with or without a line end" (fun () ->
            use folder = new Folder()
            use key = p256 ()

            let path =
                folder.Write("key.pem", ascii (key.ExportEncryptedPkcs8PrivateKeyPem(password, pbe)))

            for ending in [ ""; "\n"; "\r\n" ] do
                let passwordPath = folder.Write("password", ascii (password + ending))
                use seal = ExportSeal.Open(path, folder.At "s", passwordPath)
                append seal (run [ exported "a" ]) |> ignore

            Expect.hasLength (statements [ key ] (folder.At "s")) 3 "seals")

        testCase "opens a key with text around it, as openssl writes it" (fun () ->
            use folder = new Folder()
            use key = p256 ()

            let path =
                folder.Write("key.pem", ascii $"Key: made in May\n\n{key.ExportPkcs8PrivateKeyPem()}\n")

            use seal = ExportSeal.Open(path, folder.At "s")
            Expect.equal seal.KeyId (sha256 (key.ExportSubjectPublicKeyInfo())) "the id")

        testCase "notes a key or a password that others can read, and a password that is not used" (fun () ->
            linuxOnly ()
            use folder = new Folder()
            use key = p256 ()
            let passwordPath = folder.Write("password", ascii password)

            let seen (pem: string) (mode: UnixFileMode) =
                let path = folder.Write("key.pem", ascii pem)
                File.SetUnixFileMode(path, mode)
                File.SetUnixFileMode(passwordPath, mode)
                let notes = ResizeArray()
                ExportSeal.Open(path, folder.At "s", passwordPath, Action<string> notes.Add).Dispose()
                List.ofSeq notes

            let ours = UnixFileMode.UserRead ||| UnixFileMode.UserWrite
            let encrypted = key.ExportEncryptedPkcs8PrivateKeyPem(password, pbe)
            Expect.isEmpty (seen encrypted ours) "ours alone"
            let open' = seen encrypted (ours ||| UnixFileMode.OtherRead)
            Expect.hasLength open' 2 "the key and the password"
            Expect.all open' (fun note -> note.Contains "chmod o-r") "what to do"
            let unused = seen (key.ExportPkcs8PrivateKeyPem()) ours
            Expect.hasLength unused 1 "one note"
            Expect.stringContains unused[0] "is not encrypted" "why")

        testCase "rejects what is not a private key over P-256 in PKCS#8, and says what to do" (fun () ->
            use key = p256 ()
            use other = ECDsa.Create ECCurve.NamedCurves.nistP384
            use rsa = RSA.Create 2048
            let plain = key.ExportPkcs8PrivateKeyPem()
            let request = CertificateRequest("CN=x", key, HashAlgorithmName.SHA256)

            use certificate =
                request.CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays 1.)

            for content, expected in
                [
                    ascii "", "is not a PEM file"
                    key.ExportPkcs8PrivateKey(), ""
                    ascii (key.ExportECPrivateKeyPem()), "openssl pkcs8 -topk8"
                    ascii (rsa.ExportRSAPrivateKeyPem()), "openssl pkcs8 -topk8"
                    ascii (rsa.ExportPkcs8PrivateKeyPem()), "openssl genpkey"
                    ascii (other.ExportPkcs8PrivateKeyPem()), "another curve than P-256"
                    ascii (key.ExportSubjectPublicKeyInfoPem()), "but a public key"
                    ascii (certificate.ExportCertificatePem()), "but a certificate"
                    ascii (plain + "\n" + plain), "more than one PEM block"
                    ascii (plain.Remove(60, 20)), "is damaged"
                    ascii (String('x', 70_000)), "larger than 65536 bytes"
                ] do
                let message = refusalOf content None
                Expect.stringContains message expected message
                Expect.isFalse (message.Contains plain[40..70]) "not the key")

        testCase "rejects an encrypted key without its password, and says what to do" (fun () ->
            use key = p256 ()
            let encrypted = ascii (key.ExportEncryptedPkcs8PrivateKeyPem(password, pbe))

            for passwordFile, expected in
                [
                    None, "--seal-password-file or CELLOS_EXPORT_SEAL_PASSWORD_FILE"
                    Some "wrong", "Check the password in"
                    Some "", "is empty"
                    Some "\n", "is empty"
                    Some $"{password}\nand more", "has several lines"
                ] do
                let message = refusalOf encrypted passwordFile
                Expect.stringContains message expected message)

        testCase "rejects files that are not there" (fun () ->
            use folder = new Folder()
            let _, path = newKey folder "key.pem"
            use key = p256 ()

            let encrypted =
                folder.Write("encrypted.pem", ascii (key.ExportEncryptedPkcs8PrivateKeyPem(password, pbe)))

            let missing = folder.At "missing"

            for action in
                [
                    fun () -> ExportSeal.Open(missing, folder.At "s")
                    fun () -> ExportSeal.Open(encrypted, folder.At "s", missing)
                    fun () -> ExportSeal.Open(path, folder.At "missing/s")
                    fun () -> ExportSeal.Open(folder.Path, folder.At "s")
                    fun () -> ExportSeal.Open(path, folder.Path)
                ] do
                let message = refusal (fun () -> (action ()).Dispose())
                Expect.stringContains message folder.Path "names the file")
    ]
