package konsil.fhircheck;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.rest.server.exceptions.BaseServerResponseException;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.SingleValidationMessage;
import ca.uhn.fhir.validation.ValidationOptions;
import ca.uhn.fhir.validation.ValidationResult;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonSyntaxException;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.UnknownCodeSystemWarningValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.r4.model.MetadataResource;
import org.hl7.fhir.r4.model.StructureDefinition;
import org.hl7.fhir.r5.utils.validation.constants.BestPracticeWarningLevel;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** One validator over the HL7 core definitions and the given packages; terminology is what those hold, no more. */
final class Checker {
    private static final String CORE = "http://hl7.org/fhir/StructureDefinition/";

    private final FhirValidator validator;
    private final IValidationSupport core;
    private final Packages packages;
    private final ValidationOptions options = new ValidationOptions();

    Checker(FhirContext context, Packages packages, List<String> forcedProfiles) {
        this.packages = packages;
        this.core = new DefaultProfileValidationSupport(context);

        PrePopulatedValidationSupport own = new PrePopulatedValidationSupport(context);
        for (MetadataResource definition : packages.all()) own.addResource(definition);

        // A code of a system that no package holds (ICD-10-GM, OPS, ICD-O-3, SNOMED CT, ATC …) is a warning: the
        // systems are too large or not free to keep here, and an error would hide the findings that matter.
        UnknownCodeSystemWarningValidationSupport unknown = new UnknownCodeSystemWarningValidationSupport(context);
        unknown.setNonExistentCodeSystemSeverity(IValidationSupport.IssueSeverity.WARNING);

        CommonCodeSystemsTerminologyService builtIn = new CommonCodeSystemsTerminologyService(context);

        ValidationSupportChain chain = new ValidationSupportChain(
                own,
                core,
                builtIn,
                new AbsentTerminology(context, builtIn),
                new InMemoryTerminologyServerValidationSupport(context),
                new SnapshotGeneratingValidationSupport(context),
                unknown);

        // HAPI's default wants every coding of a CodeableConcept in the bound value set. FHIR wants one, and the MII
        // profiles depend on it (verificationStatus carries the HL7 code and the oBDS code side by side).
        chain.setCodeableConceptValidationSuccessfulIfNotAllCodingsAreValid(true);

        FhirInstanceValidator instance = new FhirInstanceValidator(chain);
        instance.setAnyExtensionsAllowed(true);
        instance.setErrorForUnknownProfiles(false);
        instance.setBestPracticeWarningLevel(BestPracticeWarningLevel.Ignore);

        this.validator = context.newValidator();
        validator.registerValidatorModule(instance);
        forcedProfiles.forEach(options::addProfile);
    }

    Report check(Path file) {
        Report report = new Report(file.toString());
        long start = System.nanoTime();
        try {
            String text = Main.read(file);
            JsonElement json = JsonParser.parseString(text);
            collectClaims(json, report.claims);
            options.getProfiles().forEach(report.claims::add);
            report.claims.forEach(url -> findMissing(url, report.missingProfiles));
            for (String url : report.missingProfiles) {
                report.errors.add(new Report.Finding("", "no package holds " + url, "profile-not-held"));
            }
            ValidationResult result = validator.validateWithResult(text, options);
            for (SingleValidationMessage message : result.getMessages()) sort(message, report);
        } catch (IOException | JsonSyntaxException | IllegalStateException e) {
            report.errors.add(new Report.Finding("", "not readable as JSON: " + e.getMessage(), "unreadable"));
        } catch (BaseServerResponseException e) {
            // A profile whose parent no package holds can't get a snapshot, so nothing was checked.
            report.errors.add(new Report.Finding("", e.getMessage(), "no-snapshot"));
        }
        report.ok = report.errors.isEmpty();
        report.ms = (System.nanoTime() - start) / 1_000_000;
        return report;
    }

    private static void sort(SingleValidationMessage message, Report report) {
        Report.Finding finding =
                new Report.Finding(message.getLocationString(), message.getMessage(), message.getMessageId());
        // Against a profile in a version that is not held nothing is checked, which must not pass for a success.
        if ("Validation_VAL_Profile_Unknown".equals(message.getMessageId())) {
            report.errors.add(finding);
            return;
        }
        switch (message.getSeverity()) {
            case FATAL, ERROR -> report.errors.add(finding);
            case WARNING -> report.warnings.add(finding);
            case INFORMATION -> report.informations.add(finding);
        }
    }

    private static void collectClaims(JsonElement json, Set<String> claims) {
        if (json instanceof JsonArray array) {
            array.forEach(e -> collectClaims(e, claims));
        } else if (json instanceof JsonObject object) {
            if (object.get("meta") instanceof JsonObject meta && meta.get("profile") instanceof JsonArray profiles) {
                profiles.forEach(p -> claims.add(p.getAsString().split("\\|")[0]));
            }
            object.entrySet().forEach(e -> collectClaims(e.getValue(), claims));
        }
    }

    /** Follows baseDefinition up to the core, so that a parent that is not here is named, not silently skipped. */
    private void findMissing(String url, Set<String> missing) {
        StructureDefinition profile = packages.profile(url);
        if (profile != null) {
            if (profile.getBaseDefinition() != null) findMissing(profile.getBaseDefinition().split("\\|")[0], missing);
        } else if (!url.startsWith(CORE) || core.fetchStructureDefinition(url) == null) {
            missing.add(url);
        }
    }
}
