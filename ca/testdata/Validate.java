import java.io.ByteArrayInputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertPath;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertStore;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Judges chains with Java's PKIX (RFC 5280 section 6). Each folder below the
 * one that is named has root.pem, chain.pem (the end entity first, no root) and
 * crls.pem; revocation is checked with those CRLs. A line is printed for each:
 * its name, and "valid" or the reason.
 */
public class Validate {
    public static void main(String[] args) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(Path.of(args[0]))) {
            for (Path folder : folders) {
                System.out.println(folder.getFileName() + ": " + judge(factory, folder));
            }
        }
    }

    static String judge(CertificateFactory factory, Path folder) throws Exception {
        X509Certificate root = (X509Certificate) factory.generateCertificate(read(folder, "root.pem"));
        List<X509Certificate> chain = new ArrayList<>();
        for (var certificate : factory.generateCertificates(read(folder, "chain.pem"))) {
            chain.add((X509Certificate) certificate);
        }
        CertPath path = factory.generateCertPath(chain);
        PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(root, null)));
        parameters.setRevocationEnabled(true);
        parameters.addCertStore(CertStore.getInstance("Collection",
                new CollectionCertStoreParameters(factory.generateCRLs(read(folder, "crls.pem")))));
        try {
            CertPathValidator.getInstance("PKIX").validate(path, parameters);
            return "valid";
        } catch (CertPathValidatorException e) {
            return e.getReason() + " (" + e.getMessage() + ")";
        }
    }

    static ByteArrayInputStream read(Path folder, String name) throws Exception {
        return new ByteArrayInputStream(Files.readAllBytes(folder.resolve(name)));
    }
}
